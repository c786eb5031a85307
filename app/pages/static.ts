// Responses outside the API: generated texts and files of a folder, with entity tags, revalidated or immutable.
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { hashOf, namedEtag, seedOf } from "../http/entity-tag.ts";

/** `Cache-Control` where the address changes with the content. */
export const IMMUTABLE = "public, max-age=31536000, immutable";
/** `Cache-Control` elsewhere: clients may store the response and revalidate it at each use. */
export const REVALIDATED = "no-cache";

/** A request, and the seed of entity tags of the headers that every response gets. */
export type Asked = { request: Request; seed: bigint };

type TextContent = {
  body: string;
  contentType: string;
  cacheControl: string;
  headers?: Record<string, string>;
};

/** A file that may be sent; `stamp` changes with its content. */
type StaticFile = {
  path: string;
  stamp: string;
  cacheControl: string;
  headers?: Record<string, string>;
};

/** Content hashes that bundlers put into file names: `app.3f2a91bc.js`, and in `assets/` also `index-DiwrgTda.js`. */
const HEX_HASH = /[.-](?=[0-9a-f]*[a-f])(?=[a-f]*\d)[0-9a-f]{8,64}(\.[a-z0-9]+)+$/;
const ASSET_HASH = /(^|\/)assets\/[^/]*-(?=[^/]*[a-z])(?=[^/]*[A-Z])[\w-]{8}\.(m?js|css)$/;

/** What editors, patches and careful people leave beside a file: its older text, or one that was not to be published. */
const LEFTOVER = /~$|\.(bak|old|orig|rej|swp|swo|tmp|save)$|^#.*#$/i;

/** The text with an entity tag over its bytes and headers, or 304 where the client holds it. */
export function textResponse(
  asked: Asked,
  { body, contentType, cacheControl, headers = {} }: TextContent,
): Response {
  const bytes = new TextEncoder().encode(body);
  const all = { "cache-control": cacheControl, ...headers, "content-type": contentType };
  return unlessHeld(asked, bytes, all, (seed) => hashOf(bytes, seed));
}

/** The file, streamed from disk, or 304 where the client holds it. */
export function fileResponse(
  asked: Asked,
  { path, stamp, cacheControl, headers = {} }: StaticFile,
): Response {
  const file = Bun.file(path);
  const all = { "cache-control": cacheControl, ...headers, "content-type": file.type };
  return unlessHeld(asked, file, all, (seed) => `${stamp}-${seed.toString(36)}`);
}

/** The body with its headers and entity tag, which `tagOf` makes of their seed; 304 where the client holds it. */
function unlessHeld(
  { request, seed }: Asked,
  body: Uint8Array<ArrayBuffer> | Blob,
  headers: Record<string, string>,
  tagOf: (seed: bigint) => string,
): Response {
  const etag = `"${tagOf(seedOf(headers, seed))}"`;
  const ifNoneMatch = request.headers.get("if-none-match");
  if (ifNoneMatch === null || namedEtag(ifNoneMatch, etag) === undefined)
    return new Response(body, { headers: { ...headers, etag } });
  const { "content-type": _unsent, ...kept } = headers;
  return new Response(null, { status: 304, headers: { ...kept, etag } });
}

/** The file in `folder` that a URL's path names; `null` where none exists or the path must not be served. */
export async function findFile(folder: string, pathname: string): Promise<StaticFile | null> {
  try {
    const names = namesOf(pathname);
    if (names === null) return null;
    const root = await realpath(folder);
    // Symbolic links are resolved, so that none leads out of the folder.
    const path = await realpath(join(root, ...names));
    const relativePath = relative(root, path);
    if (relativePath.startsWith("..") || isAbsolute(relativePath)) return null;
    if ([...names, ...relativePath.split(/[\\/]/)].some(isPrivate)) return null;
    const stats = await stat(path);
    if (!stats.isFile()) return null;
    const stamp = `${stats.size.toString(36)}-${Math.round(stats.mtimeMs * 1000).toString(36)}`;
    return { path, stamp, cacheControl: isHashed(names.join("/")) ? IMMUTABLE : REVALIDATED };
  } catch (thrown) {
    if (meansAbsent(thrown)) return null;
    throw thrown;
  }
}

const isHashed = (name: string): boolean => HEX_HASH.test(name) || ASSET_HASH.test(name);
const isPrivate = (name: string): boolean => name.startsWith(".") || LEFTOVER.test(name);

/** The path's decoded segments, with `index.html` for a folder; `null` where one is empty or holds a slash or NUL. */
function namesOf(pathname: string): string[] | null {
  const names = pathname.slice(1).split("/").map(decodeURIComponent);
  if (names.at(-1) === "") names.splice(-1, 1, "index.html");
  return names.every((name) => name !== "" && !/[\\/\0]/.test(name)) ? names : null;
}

function meansAbsent(thrown: unknown): boolean {
  if (thrown instanceof URIError) return true;
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  return ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EACCES"].includes(code);
}
