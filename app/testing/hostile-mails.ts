// Mails whose every text is hostile, for the tests of what no mail may do.
import type { Mail } from "../mail/kind.ts";
import type { KindName } from "../mail/kinds.ts";
import { SAMPLES, sampleMail } from "../mail/preview/samples.ts";

/** A text that ends its line in every way; so short that no form of it is wrapped. */
export const BREAKING = "a\r\nBcc\u2028Bcc\u2029Bcc\u0085Bcc\vBcc";

/** Markup that runs scripts, characters that turn the direction of text or are invisible, and a very long word. */
export const HOSTILE = `<Driver> "'& <img src=x onerror="window.ran=1"><script>window.ran=1</script></td></table></title></style>
\r\n\u202Efdp.exe\u2066\u200B\u{E0041}\uD800 ${"W".repeat(300)}`;

/** Codes, times and words that the database checks: a row never holds others. */
const CHECKED = /^(\d{4}-\d\d-\d\d.*|[A-Z]{2,3}|card|invoice|authorized|refunded)$/;

/** The sample of a kind with a hostile text in place of each of its own. */
export const hostileMail = (kind: KindName, text: string): Mail => ({
  ...sampleMail(kind),
  data: withHostile(SAMPLES[kind].data, text),
});

function withHostile(value: unknown, text: string): unknown {
  if (typeof value === "string") return CHECKED.test(value) ? value : text;
  if (Array.isArray(value)) return value.map((each) => withHostile(each, text));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withHostile(each, text)]));
}

/** The elements of a page with their attributes' names, in order. */
export async function elementsOf(page: string): Promise<string[]> {
  const elements: string[] = [];
  const rewriter = new HTMLRewriter().on("*", {
    element({ tagName, attributes }) {
      elements.push([tagName, ...[...attributes].map(([name]) => name)].join(" "));
    },
  });
  await rewriter.transform(new Response(page)).text();
  return elements;
}

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" } as const;

/** The text that a page shows: each element ends a line. */
export async function shownBy(page: string): Promise<string> {
  let shown = "";
  const rewriter = new HTMLRewriter().on("body *", {
    text({ text }) {
      shown += text;
    },
    element() {
      shown += "\n";
    },
  });
  await rewriter.transform(new Response(page)).text();
  return shown.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => ENTITIES[entity as keyof typeof ENTITIES]);
}

/** Where the links of a page lead. */
export const linksIn = (page: string): string[] =>
  [...page.matchAll(/href="([^"]*)"/g)].map(([, href = ""]) => href.replaceAll("&amp;", "&"));
