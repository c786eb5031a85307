// If-None-Match: lists, weak tags, `*`, and texts that look like a match but are none.
import { expect, test } from "bun:test";
import { namesEtag } from "./if-none-match.ts";

const ETAG = '"v1.a"';
const OTHER = '"v1.b"';

test.each([ETAG, OTHER, `W/${ETAG}`, ` ${ETAG} `, `"x", ${OTHER}`, `"x, y",W/"z" ,W/${ETAG}`, "*", " * "])(
  "%s names one of two entity tags",
  (header) => expect(namesEtag(header, ETAG, OTHER)).toBe(true),
);

test.each(["", '"x"', "v1.a", `x${ETAG}`, `w/${ETAG}`, `"W/${ETAG}"`, '"v1.a', `"x", *`])(
  "%s names neither",
  (header) => expect(namesEtag(header, ETAG, OTHER)).toBe(false),
);

test("a response with one entity tag is compared with that one only", () => {
  expect(namesEtag(`"x", W/${ETAG}`, ETAG)).toBe(true);
  expect(namesEtag(OTHER, ETAG)).toBe(false);
});
