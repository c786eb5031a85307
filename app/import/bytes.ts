// Reads a file as pieces of text in constant memory, and marks bytes that are not UTF-8.
import { open } from "node:fs/promises";
import { must } from "../../db/must.ts";
import { INVALID_MARK } from "./text.ts";

/** Bytes per read: large enough for speed, small compared with the memory bound of 300 MB. */
const PIECE_BYTES = 256 * 1024;
/** Replaces a genuine U+FFFD during decoding, because invalid bytes decode to U+FFFD too; equally long in UTF-8. */
const GENUINE_MARK = "\uFDD0";
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });

/** Pieces of the file's text, cut between characters; calls `onBytes` with the bytes of each read. */
export async function* textPieces(path: string, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  const file = await open(path, "r");
  try {
    const buffer = new Uint8Array(PIECE_BYTES);
    let carried = 0;
    let isFirst = true;
    for (;;) {
      const { bytesRead } = await file.read(buffer, carried, PIECE_BYTES - carried, null);
      const length = carried + bytesRead;
      const start = isFirst ? bomLength(buffer.subarray(0, length), path) : 0;
      isFirst = false;
      const end = bytesRead === 0 ? length : wholeCharacters(buffer, length);
      if (end > start) yield decode(buffer.subarray(start, end));
      onBytes(bytesRead);
      if (bytesRead === 0) return;
      buffer.copyWithin(0, end, length);
      carried = length - end;
    }
  } finally {
    await file.close();
  }
}

function bomLength(bytes: Uint8Array, path: string): number {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw new Error(`${path} is encoded as UTF-16: save it as UTF-8`);
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** The length without a last character that may be incomplete; its bytes are carried into the next piece. */
function wholeCharacters(bytes: Uint8Array, length: number): number {
  for (let index = length - 1; index >= Math.max(0, length - 3); index--)
    if (must(bytes[index], "the byte") >= 0xc0) return index;
  return length;
}

function decode(bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    const patched = bytes.slice();
    for (let index = 0; index + 2 < patched.length; index++)
      if (patched[index] === 0xef && patched[index + 1] === 0xbf && patched[index + 2] === 0xbd)
        patched.set([0xef, 0xb7, 0x90], index);
    return LENIENT.decode(patched).replaceAll("\uFFFD", INVALID_MARK).replaceAll(GENUINE_MARK, "\uFFFD");
  }
}
