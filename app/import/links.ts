// Reads URLs and lists of URLs in the forms that files use: joined by "~", "|" or ",", as arrays, without a scheme.
import { hasUserName, isLink } from "../http/field-kinds.ts";
import { cleanLine, isMissing } from "./text.ts";

const HOST = /^(?:[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+|localhost)(?::\d+)?(?:[/?#]|$)/u;
/** URLs contain "~" and commas themselves (w_600,f_auto), so these separate two URLs only where another one begins. */
const BETWEEN_LINKS =
  /\s*\|\s*|\s*[~,]\s*(?=(?:https?|ftp|file|data|blob|javascript|vbscript):|\/\/|(?:[\p{L}\p{N}_-]+\.)+\p{L}{2,}(?::\d+)?\/)/iu;

/** One URL, completed with https:// where it begins with a host; or the reason why it is refused. */
export function readLink(value: string): { link: string } | { reason: string } {
  const text = cleanLine(value)
    .replace(/[\t\n]/g, "")
    .replaceAll(" ", "%20")
    .replaceAll("\\", "/");
  const link = text.startsWith("//") ? `https:${text}` : HOST.test(text) ? `https://${text}` : text;
  if (isLink(link)) return { link };
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(link)?.[0];
  if (scheme !== undefined && !/^https?:$/i.test(scheme))
    return { reason: `has a URL that begins with ${scheme}` };
  if (hasUserName(link)) return { reason: "has a URL with a user name or password" };
  return { reason: "is not an http(s) URL" };
}

/** The URLs in a cell, unchanged. */
export function splitLinks(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(splitLinks);
  if (typeof value === "object" && value !== null) {
    const object = value as Record<string, unknown>;
    return splitLinks(object.src ?? object.url ?? object.href);
  }
  if (typeof value !== "string") return [];
  const text = value.trim();
  if (isMissing(text)) return [];
  if (text.startsWith("[")) {
    const list = jsonList(text);
    if (list !== null) return list.flatMap(splitLinks);
  }
  return text.split(BETWEEN_LINKS).filter((part) => part !== "");
}

/** The elements of a JSON array, also one with single quotes as Python prints it; null for any other text. */
export function jsonList(text: string): unknown[] | null {
  for (const attempt of [text, text.replaceAll("'", '"')]) {
    try {
      const list: unknown = JSON.parse(attempt);
      if (Array.isArray(list)) return list;
    } catch {
      // Not JSON in this form: the next form is tried, and in the end the caller treats it as plain text.
    }
  }
  return null;
}
