// The template of HTML: all text that is put into it is escaped.
import { must } from "../../db/must.ts";

/** Markup made by `html`; a plain string is never treated as markup. */
export type Html = { readonly markup: string };

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => must(ENTITIES[character], "the entity"));

/** A template tag that escapes its values, except for markup and lists of markup. */
export function html(parts: TemplateStringsArray, ...values: (Html | Html[] | string | number)[]): Html {
  const written = values.map((value) => {
    if (Array.isArray(value)) return value.map(({ markup }) => markup).join("");
    return typeof value === "object" ? value.markup : escaped(String(value));
  });
  return { markup: String.raw({ raw: parts }, ...written) };
}
