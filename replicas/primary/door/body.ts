// The bodies of requests and streamed responses: bounded in size and time, and ended with what they belong to.
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { Refusal } from "./refusal.ts";

/** The longest body of a request. */
export const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** Bun cuts off what is longer without a word of ours; up to here the door says why. */
export const BODY_BYTES_CUT_OFF = 2 * BODY_BYTES_MAX;

/** A `Position` of a node. */
export const POSITION = Type.Object({
  generation: Type.String({ maxLength: 200 }),
  seq: Type.Integer({ minimum: 0 }),
});

/**
 * Reads the whole body. Throws a refusal: 413 where it is too long, 408 where it takes longer than `ms`, 400 where it breaks off.
 */
export async function readBody(request: Request, ms: number): Promise<ArrayBuffer> {
  if (Number(request.headers.get("content-length")) > BODY_BYTES_MAX) throw tooLong();
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(resolve, ms, "late");
  const reading = request.arrayBuffer().catch(() => null);
  const body = await Promise.race([reading, late]);
  clearTimeout(timer);
  if (body === "late") throw new Refusal(408, "failed", "the body of the request did not come in time");
  if (body === null) throw new Refusal(400, "failed", "the body of the request broke off");
  if (body.byteLength > BODY_BYTES_MAX) throw tooLong();
  return body;
}

const tooLong = (): Refusal =>
  new Refusal(413, "failed", `the body of the request is longer than ${BODY_BYTES_MAX} bytes`);

/** The body as a value of this shape. Throws a refusal (400) that names the first wrong field. */
export async function readJson<T extends TSchema>(request: Request, shape: T): Promise<Static<T>> {
  const value: unknown = await request.json().catch(() => {
    throw new Refusal(400, "failed", "the body of the request is not JSON");
  });
  const wrong = Value.Errors(shape, value).First();
  if (wrong) throw new Refusal(400, "failed", `${wrong.path || "the body"}: ${wrong.message}`);
  return value as Static<T>;
}

/** The same stream, which breaks off when `gone` is aborted; `done` is called once, at its end of either kind. */
export function endWith(
  stream: ReadableStream<Uint8Array>,
  gone: AbortSignal,
  done: () => void,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  const { promise: broken, reject } = Promise.withResolvers<never>();
  // An error of another kind would be printed by Bun.
  const breakOff = () => reject(new Error("the response was broken off"));
  broken.catch(() => void reader.cancel().catch(() => {}));
  gone.addEventListener("abort", breakOff);
  if (gone.aborted) breakOff();
  const finish = () => {
    gone.removeEventListener("abort", breakOff);
    done();
  };
  return new ReadableStream({
    async pull(controller) {
      const chunk = await Promise.race([reader.read(), broken]).catch(() => null);
      if (chunk && !chunk.done) controller.enqueue(chunk.value);
      else {
        finish();
        if (chunk) controller.close();
        else controller.error(new Error("the response was broken off"));
      }
    },
    async cancel(reason) {
      finish();
      await reader.cancel(reason).catch(() => {});
    },
  });
}
