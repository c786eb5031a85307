// Request bodies as JSON objects: content type, size and nesting are checked here, the fields by the rooms.
import { BODY_MS_MAX, chunksOf, wholeOf } from "./arrival.ts";
import { Problem } from "./problems.ts";

/** Bound of a body; `checkRequest` refuses a longer declared length before. */
export const BODY_BYTES_MAX = 256 * 1024;
const DEPTH_MAX = 16;

/** A JSON object from a client; its fields are not checked. */
export type Fields = Record<string, unknown>;

/**
 * Reads the body. Throws a `Problem`: 415 for another content type, 413 when too long, 408 when too slow, 400 when broken off
 * or not a JSON object.
 */
export async function readFields(request: Request, msMax = BODY_MS_MAX): Promise<Fields> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json" && !/^application\/[\w.-]+\+json$/.test(type))
    throw new Problem("unsupported-media-type", "the body must be application/json");
  return parseFields(await readText(request, msMax));
}

/** Parses the text of a body. Throws the `Problem` 400 when it is not a JSON object. */
export function parseFields(text: string): Fields {
  const value = parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refused("must be a JSON object");
  if (depthOf(value) > DEPTH_MAX) throw refused(`must not be nested deeper than ${DEPTH_MAX}`);
  return value as Fields;
}

/** As `readFields`, but a request without a body has no fields. */
export const readFieldsIfAny = async (request: Request): Promise<Fields> =>
  hasBody(request) ? readFields(request) : {};

const hasBody = ({ headers, body }: Request): boolean =>
  body !== null && headers.get("content-length") !== "0";

const refused = (detail: string) =>
  new Problem("invalid-request", `the body ${detail}`, [{ pointer: "", detail }]);

/** Reads the body as text, of any content type. Throws as `readFields` does. */
export async function readText(request: Request, msMax = BODY_MS_MAX): Promise<string> {
  const bytes = await readBytes(request, msMax).catch((thrown: unknown) => {
    throw isBrokenOff(request, thrown) ? refused("ended before it was complete") : thrown;
  });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refused("is not well-formed UTF-8");
  }
}

async function readBytes(request: Request, msMax: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? Number.NaN);
  // A stream of a body that is there already costs more than the rest of a write on this thread.
  if (declared <= BODY_BYTES_MAX) return wholeOf(request, msMax);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // A chunked body has no declared length.
  for await (const chunk of chunksOf(request, msMax)) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX)
      throw new Problem("payload-too-large", `a body must have at most ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whether the client closed the connection before the body was whole, or sent a chunk that Bun refuses: both abort the request. */
const isBrokenOff = ({ signal }: Request, thrown: unknown): boolean =>
  !(thrown instanceof Problem) &&
  (signal.aborted || (thrown instanceof DOMException && thrown.name === "AbortError"));

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused("is not well-formed JSON");
  }
}

/** The depth of a value; stops at `limit`. */
function depthOf(value: unknown, limit = DEPTH_MAX + 1): number {
  if (typeof value !== "object" || value === null) return 0;
  if (limit === 0) return 1;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, limit - 1));
  return deepest + 1;
}
