// Request bodies: which content types, sizes and shapes are read as a JSON object.
import { describe, expect, test } from "bun:test";
import { BODY_BYTES_MAX, readFields, readFieldsIfAny } from "./body.ts";
import type { Problem } from "./problems.ts";

const requestOf = (body: string | null, type = "application/json") =>
  new Request("http://shop/api/x", { method: "POST", body, headers: { "content-type": type } });
const outcomeOf = (request: Request) =>
  readFields(request).then(
    (fields) => fields,
    ({ type }: Problem) => type,
  );

describe("the content type", () => {
  test.each([
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "application/merge-patch+json",
    "application/vnd.shop.v1+json",
  ])("%s is read", async (type) => {
    expect(await outcomeOf(requestOf('{"a":1}', type))).toEqual({ a: 1 });
  });

  test.each([
    "text/plain",
    "text/json",
    "application/notjson",
    "application/x-json",
    "application/json+x",
    "application/jsonp",
    "application/+json",
    "multipart/form-data; application/json",
  ])("%s is refused", async (type) => {
    expect(await outcomeOf(requestOf('{"a":1}', type))).toBe("unsupported-media-type");
  });
});

describe("a body", () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

  test.each([
    ["a list", "[]"],
    ["null", "null"],
    ["a text", '"a"'],
    ["a number", "1"],
    ["nothing", ""],
    ["no JSON", "{"],
    ["nested too deeply", nested(17)],
  ])("that is %s is refused", async (_name, body) => {
    expect(await outcomeOf(requestOf(body))).toBe("invalid-request");
  });

  test("may be nested as deeply and be as long as the bounds", async () => {
    expect(await outcomeOf(requestOf(nested(16)))).toEqual(JSON.parse(nested(16)));
    const filler = "x".repeat(BODY_BYTES_MAX - '{"a":""}'.length);
    expect(await outcomeOf(requestOf(`{"a":"${filler}"}`))).toEqual({ a: filler });
    expect(await outcomeOf(requestOf(`{"a":"${filler}x"}`))).toBe("payload-too-large");
  });

  test("may be missing where no field is required", async () => {
    const bare = new Request("http://shop/api/x", { method: "POST" });
    expect(await readFieldsIfAny(bare)).toEqual({});
    expect(await outcomeOf(bare)).toBe("unsupported-media-type");
  });

  const failing = (thrown: unknown) =>
    new Request("http://shop/api/x", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new ReadableStream({
        pull: (controller) => controller.error(thrown),
      }),
    });

  test("that is broken off is refused, and a failure of ours is none of the client's", async () => {
    expect(await outcomeOf(failing(new DOMException("closed", "AbortError")))).toBe("invalid-request");
    const ours = new TypeError("the stream is locked");
    expect(await readFields(failing(ours)).catch((thrown: unknown) => thrown)).toBe(ours);
  });
});
