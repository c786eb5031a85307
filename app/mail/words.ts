// Text from elsewhere as mails show it: on one line, without invisible characters, and never a link by itself.

/** Characters that no person sees, except for those that join letters and emoji. */
const INVISIBLE = /[[\p{Cf}\p{Default_Ignorable_Code_Point}]--[\u200C\u200D\uFE0E\uFE0F]]/gv;
/** What ends a line, and spaces by which a text could imitate the columns of a table. */
const BREAKS = /[\p{Cc}\p{Zl}\p{Zp}]+|\s{2,}/gu;

/** Text of one line: nothing in it begins another one, or turns the direction of what follows. */
export const oneLine = (text: string): string =>
  text.toWellFormed().replace(INVISIBLE, "").replace(BREAKS, " ").trim();

/** Longer than any line of an address, and too short for an advertisement. */
const TYPED_MAX = 80;
/** A dot or a colon inside a word: mail programs make links of web addresses without being asked. */
const IN_LINK = /[.。．｡](?=[^\s\d.。．｡])|:(?=\S)/gu;

/** A line that a customer typed: cut where it is too long, and with a space in whatever would become a link. */
export function typedLine(text: string): string {
  const characters = [...oneLine(text)];
  const cut = characters.length > TYPED_MAX ? [...characters.slice(0, TYPED_MAX - 1), "…"] : characters;
  return cut.join("").replace(IN_LINK, "$& ");
}

/** The address of a link in a mail, in ASCII without spaces; `null` for all but http and https, and with a user name. */
export function webLink(url: string): string | null {
  const parsed = URL.parse(url);
  if (!parsed || !["http:", "https:"].includes(parsed.protocol)) return null;
  return parsed.username === "" && parsed.password === "" ? parsed.href : null;
}
