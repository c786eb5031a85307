// The parts of a mail's content; each is written as plain text and as HTML.

/** A row of a table: what it is, more about it, and its value at the end of the line. */
export type Line = { label: string; detail?: string; value: string; isStrong?: boolean };

/** A bar of a chart; `share` is its length, 0 to 1. */
export type Bar = { label: string; value: string; share: number };

/** The share of a bar within 0 to 1; 0 where there is nothing to compare with. */
export const partOf = (share: number): number => (Number.isNaN(share) ? 0 : Math.min(1, Math.max(0, share)));

export type Block =
  /** The first block of a mail is its main heading. */
  | { kind: "heading"; text: string }
  | { kind: "text"; text: string }
  /** Small print. */
  | { kind: "note"; text: string }
  | { kind: "lines"; lines: Line[] }
  /** Text that a customer typed: no line is long, and mail programs make no links of it. */
  | { kind: "address"; label: string; lines: string[] }
  /** Left out where the URL is not http or https. The first link of a mail stands out, one that `isMinor` does not. */
  | { kind: "link"; label: string; url: string; isMinor?: boolean }
  | { kind: "bars"; bars: Bar[] };

/** How mails look: the shop's name is their header. */
export type Look = { shopName: string; locale: string };
