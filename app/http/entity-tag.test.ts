// Entity tags: headers are part of them, and If-None-Match names one by lists, weak tags and `*`, but by no look-alike.
import { describe, expect, test } from "bun:test";
import { hashOf, namedEtag, seedOf } from "./entity-tag.ts";

const SENT = '"v1.a"';
const OTHER = '"v1.b"';

describe("If-None-Match", () => {
  test.each([
    [SENT, SENT],
    [OTHER, OTHER],
    [`W/${SENT}`, SENT],
    [`W/${OTHER}`, OTHER],
    [` ${SENT} `, SENT],
    [`\t${OTHER}\t`, OTHER],
    [`"x", ${OTHER}`, OTHER],
    [`${OTHER}, ${SENT}`, SENT],
    [`${SENT}, ${OTHER}`, SENT],
    [`W/${OTHER},W/${SENT}`, SENT],
    [`"x, y",W/"z" ,W/${SENT}`, SENT],
    [`,,${OTHER},,`, OTHER],
    [`${OTHER},${OTHER}`, OTHER],
    ["*", SENT],
    [" * ", SENT],
  ])("%j names %s", (header, named) => expect(namedEtag(header, SENT, OTHER)).toBe(named));

  test.each([
    "",
    " ",
    ",",
    '"x"',
    "v1.a",
    `x${SENT}`,
    `${SENT}x`,
    `w/${SENT}`,
    `W/ ${SENT}`,
    `W\\${SENT}`,
    `W${SENT}`,
    `W/W/${SENT}`,
    `"W/${SENT}"`,
    '"v1.a',
    'v1.a"',
    "'v1.a'",
    '"V1.A"',
    '"v1.a "',
    '"x", *',
    "**",
    '"*"',
    "W/*",
    `${SENT};${OTHER}`,
    `${SENT} ${OTHER}`,
    "null",
    "\u00ff",
  ])("%j names neither tag", (header) => expect(namedEtag(header, SENT, OTHER)).toBeUndefined());

  test("a response with one entity tag is compared with that one only", () => {
    expect(namedEtag(`"x", W/${SENT}`, SENT)).toBe(SENT);
    expect(namedEtag(OTHER, SENT)).toBeUndefined();
  });
});

describe("a tag", () => {
  const HEADERS = { "cache-control": "public", "referrer-policy": "no-referrer", vary: "Accept-Encoding" };
  const tagOf = (headers: Record<string, string>, more?: bigint) => hashOf("body", seedOf(headers, more));

  test("is the same for the same body and headers, in any order", () => {
    const turned = Object.fromEntries(Object.entries(HEADERS).toReversed());
    expect(tagOf(turned)).toBe(tagOf(HEADERS));
    expect(hashOf(new TextEncoder().encode("body"), seedOf(HEADERS))).toBe(tagOf(HEADERS));
  });

  test.each([
    ["another value", { ...HEADERS, "referrer-policy": "same-origin" }],
    [
      "another name",
      { "cache-control": "public", "x-referrer-policy": "no-referrer", vary: "Accept-Encoding" },
    ],
    ["one header more", { ...HEADERS, "strict-transport-security": "max-age=31536000" }],
    ["one header less", { "cache-control": "public", vary: "Accept-Encoding" }],
    ["an empty header more", { ...HEADERS, link: "" }],
    [
      "a value moved to the next header",
      { "cache-control": "", "referrer-policy": "publicno-referrer", vary: "Accept-Encoding" },
    ],
    ["no header", {}],
  ])("is another one with %s", (_name, headers) => expect(tagOf(headers)).not.toBe(tagOf(HEADERS)));

  test("is another one with other headers that are added elsewhere, or another body", () => {
    expect(tagOf(HEADERS, seedOf({ allow: "GET" }))).not.toBe(tagOf(HEADERS));
    expect(hashOf("Body", seedOf(HEADERS))).not.toBe(tagOf(HEADERS));
  });
});
