// A mail as it goes to a mail server: its envelope, its headers and its bytes.
import { domainToASCII } from "node:url";
import { checkEmail } from "../http/credentials.ts";
import type { MailAddress } from "../mail-settings.ts";
import type { Look } from "./blocks.ts";
import { formsOf } from "./forms.ts";
import type { Content, Mail } from "./kind.ts";
import { oneLine } from "./words.ts";

/** A mail to send. `id` is the same at every try, so that a receiver can drop a repeat. */
export type Message = {
  id: string;
  from: MailAddress;
  to: readonly string[];
  date: Date;
  content: Content;
  look: Look;
};

/** A composed mail: who gets it, and its bytes (RFC 5322). */
export type Composed = { name: string; from: string; to: string[]; bytes: Buffer };

/** The `Message-ID` of a mail without its brackets: from what the mail is about, so that every try has the same. */
export function messageIdOf({ kind, part, orderId, key }: Mail, from: MailAddress): string {
  const about =
    orderId ??
    new Bun.CryptoHasher("sha256")
      .update(key ?? "")
      .digest("hex")
      .slice(0, 32);
  return `${kind}.${part}.${about}@${domainToASCII(from.address.slice(from.address.lastIndexOf("@") + 1))}`;
}

/**
 * Composes a mail. No text of a customer can add a header, and the envelope has the recipients that it was given and no others.
 * Throws for a recipient that is not one address.
 */
export async function composeMessage({ id, from, to, date, content, look }: Message): Promise<Composed> {
  if (!to.every(isOneAddress)) throw new Error("a recipient of the mail is not an e-mail address");
  // Loaded with the first mail: a shop that sends none does not need it.
  const { default: MailComposer } = await import("nodemailer/lib/mail-composer");
  const subject = oneLine(content.subject);
  const composer = new MailComposer({
    from,
    to: to.map((address) => ({ name: "", address })),
    subject,
    date,
    messageId: `<${id}>`,
    headers: { "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
    ...formsOf(subject, content.blocks, look),
  });
  const node = composer.compile();
  // Its addresses have domains as mail servers know them.
  const envelope = node.getEnvelope();
  return { name: id, from: envelope.from || from.address, to: envelope.to, bytes: await node.build() };
}

/** Checked again here, where nothing gets past: rows may be older than the rule of today. */
const isOneAddress = (address: string): boolean => checkEmail(address) === null && address === address.trim();
