// Cleans imported text: removes control characters, trims white space, repairs UTF-8 that was decoded as Latin-1.
import { must } from "../../db/must.ts";

/** Marks bytes that were not UTF-8: a Unicode noncharacter, so that it differs from a genuine U+FFFD. */
export const INVALID_MARK = "\uFDD1";

const MISSING = /^(?:null|none|nan|n\/a|undefined)$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
/** Most values: printable ASCII without a blank at either end or two in a row. */
const PLAIN = /^(?:[!-~]+ )*[!-~]+$/;
const CONTROLS_ALL = new RegExp(CONTROLS.source, "g");
/** The characters of Windows-1252 for the bytes 0x80 to 0x9F, where it differs from Latin-1. */
const WINDOWS_1252 = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";
const BYTE_OF = new Map(
  [...WINDOWS_1252].flatMap((char, index) => (char === " " ? [] : [[char, 0x80 + index] as const])),
);
const HIGH = `\\u0080-\\u00ff${[...BYTE_OF.keys()].join("")}`;
const MAYBE_MOJIBAKE = new RegExp(`[\\u00c2-\\u00f4][${HIGH}]`);
const RUN = new RegExp(`[${HIGH}]{2,}`, "g");
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Cleans a text of one line; runs of white space become one space. */
export function cleanLine(text: string): string {
  return PLAIN.test(text) ? text : cleanText(text).replace(/\s+/g, " ");
}

/** Cleans a text of several lines; line ends (as `\n`) and tabs stay. */
export function cleanText(text: string): string {
  let clean = MAYBE_MOJIBAKE.test(text) ? repairMojibake(text) : text;
  if (clean.includes("\r")) clean = clean.replace(/\r\n?/g, "\n");
  if (CONTROLS.test(clean)) clean = clean.replace(CONTROLS_ALL, "");
  return clean.trim();
}

/** Whether a text stands for a missing value: empty, `null`, `NaN`, `n/a`. */
export function isMissing(text: string): boolean {
  return text === "" || (text.length <= 9 && MISSING.test(text));
}

/** Decodes each run of high characters whose bytes are valid UTF-8 and unlikely to be meant literally. */
function repairMojibake(text: string): string {
  return text.replace(RUN, (run) => {
    const bytes = Uint8Array.from(run, (char) => BYTE_OF.get(char) ?? char.charCodeAt(0));
    if (!isCertainlyMojibake(bytes)) return run;
    try {
      return STRICT_UTF8.decode(bytes);
    } catch {
      return run;
    }
  });
}

/**
 * A single sequence is certain only if its first byte is a common one of mojibake (Â, Ã, â, ï, ð): "É®" and "é…”" are
 * valid UTF-8 too, and meant literally. Two sequences in a row do not occur by chance.
 */
function isCertainlyMojibake(bytes: Uint8Array): boolean {
  const first = must(bytes[0], "the first byte");
  if (first === 0xc2 || first === 0xc3 || first === 0xe2 || first === 0xef || first >= 0xf0) return true;
  return bytes.filter((byte) => byte >= 0xc2).length >= 2;
}
