// How long a body may take to arrive, whether a route reads it or not.
import { Problem } from "./problems.ts";

/** From the first read to the last byte. Enough for 256 KiB at 150 kbit/s; Bun alone ends a slow body after 75 s. */
export const BODY_MS_MAX = 15_000;

/** The chunks of a body as they arrive. Throws the `Problem` 408 when it is not whole after `msMax`. */
export async function* chunksOf({ body }: Request, msMax = BODY_MS_MAX): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // Ends the read that waits.
    void reader.cancel().catch(() => undefined);
  }, msMax);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) throw late();
      if (done) return;
      yield value;
    }
  } finally {
    clearTimeout(timer);
    reader.releaseLock();
  }
}

/** A body of a known length. Throws the `Problem` 408 when it is not whole after `msMax`. */
export async function wholeOf(request: Request, msMax = BODY_MS_MAX): Promise<Uint8Array> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const lateness = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), msMax);
  });
  try {
    return await Promise.race([request.bytes(), lateness]);
  } finally {
    clearTimeout(timer);
  }
}

const late = (): Problem => new Problem("request-timeout", "the request took too long to arrive", [], CLOSE);

/**
 * Takes in what no route has read of a body, so that the answer does not meet a connection with bytes in between. Closes
 * the connection after the answer when the rest is not there after `msMax`, is too long for Bun, or, as that of a GET,
 * cannot be read. Never rejects.
 */
export async function takeRest(request: Request, answer: Headers, msMax: number): Promise<void> {
  if (!hasBody(request.headers)) return;
  // Read whole, or refused because it was late.
  if (request.bodyUsed && request.headers.has("content-length")) return;
  try {
    if (request.body === null) throw new Error("Bun shows no body of a GET or HEAD");
    for await (const _ of chunksOf(request, Math.max(0, msMax)));
  } catch {
    answer.set("connection", CLOSE.connection);
  }
}

const CLOSE = { connection: "close" };

const hasBody = (headers: Headers): boolean =>
  headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0";
