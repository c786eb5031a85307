// A kind of mail: who gets it, and what it says. The outbox's row carries all that it shows.
import type { Block } from "./blocks.ts";

/** A row of the outbox that is to be sent. `data` is what the group that caused it wrote. */
export type Mail = {
  seq: number;
  kind: string;
  part: number;
  /** What a mail without an order is about, else `null`. */
  key: string | null;
  /** The order that the mail is about, else `null`. */
  orderId: string | null;
  /** `null`: the staff of the shop. */
  recipient: string | null;
  data: unknown;
  createdAtMs: number;
  /** Tries so far, with the one that is made now. */
  tries: number;
};

/** What a mail says, for both of its forms: plain text and HTML. */
export type Content = { subject: string; blocks: Block[] };

/** What kinds of mail need to know of the shop. */
export type MailContext = {
  shopName: string;
  locale: string;
  /** An amount in major units with its currency (ISO 4217), as the shop's locale writes it. */
  money(amount: number, currency: string): string;
  /** A day and a time of day in the shop's zone, from an ISO 8601 time. */
  time(iso: string): string;
  /** The same with the name of the zone, for a time that a reader elsewhere has to keep. */
  deadline(iso: string): string;
  /** A date of the calendar (YYYY-MM-DD) with its day of the week. */
  date(date: string): string;
  /** The name of a country by its ISO 3166 code. */
  country(code: string): string;
  links: Links;
};

/** The addresses that mails lead to. Those that open something are made when the mail is sent: no row holds them. */
export type Links = {
  /** The page of an order; `isGuest` adds the token that opens it. */
  order(orderId: string, isGuest: boolean): string;
  /** An address of the shop's own: a path below `PUBLIC_URL`, or a whole address, which stays itself. */
  site(href: string): string;
  /**
   * The page that takes a new password; `null` when its time is over, or the account is gone or was changed since the time
   * `updatedAtMs`. Rejects with `DatabaseError`.
   */
  reset(userId: string, expiresAtMs: number, updatedAtMs: number): Promise<string | null>;
};

export type Kind = {
  name: string;
  /** Writes the mail; `null` when it is no longer needed. Throws for data that it cannot read. */
  write(mail: Mail, context: MailContext): Content | null | Promise<Content | null>;
};
