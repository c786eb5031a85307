// The command `bun run mail:preview`: writes a sample of every mail into a folder.
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { sentenceOf } from "../../../db/message.ts";
import type { Config } from "../../config.ts";
import { openFormats } from "../formats.ts";
import { formsOf } from "../forms.ts";
import type { Content, Mail, MailContext } from "../kind.ts";
import { KINDS, type KindName } from "../kinds.ts";
import { composeMessage, messageIdOf } from "../message.ts";
import { SAMPLES, sampleMail } from "./samples.ts";

const USAGE = `usage: bun run mail:preview [<folder>]

Writes every mail with sample data as .eml, .html and .txt (default folder: mail-preview in DATA_DIR). SHOP_NAME, LOCALE
and the other settings of mail count; nothing is sent and the database is not opened.`;
const FOLDER = "mail-preview";
/** Stands for the staff where the shop has no address of it. */
const STAFF = "staff@shop.example";
/** Stands for what opens an order or sets a password. */
const TOKEN = "sample-token";

type PreviewConfig = Pick<
  Config,
  "dataDir" | "mailFrom" | "alertEmails" | "shopName" | "locale" | "reportTimezone" | "orderUrl" | "resetUrl"
>;

/** Input and output of the command. */
export type PreviewIo = { config(): PreviewConfig; out(line: string): void; err(line: string): void };

/** Runs the command and returns its exit code. */
export async function previewCommand(args: readonly string[], io: PreviewIo): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: "boolean", short: "h" } },
    });
    if (values.help) io.out(USAGE);
    if (values.help) return 0;
    if (positionals.length > 1) throw new Error("name one folder (-h shows the usage)");
    const config = io.config();
    const folder = resolve(positionals[0] ?? join(config.dataDir, FOLDER));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const kind of Object.keys(SAMPLES) as KindName[]) await writeSample(kind, config, folder);
    io.out(`${Object.keys(SAMPLES).length} mails as .eml, .html and .txt in ${folder}`);
    return 0;
  } catch (thrown) {
    io.err(`mail:preview: ${sentenceOf(thrown)}`);
    return 1;
  }
}

async function writeSample(kind: KindName, config: PreviewConfig, folder: string): Promise<void> {
  const mail = sampleMail(kind);
  const look = previewContext(config);
  const content = await writeMail(mail, look);
  const to = mail.recipient === null ? config.alertEmails : [mail.recipient];
  const { bytes } = await composeMessage({
    id: messageIdOf(mail, config.mailFrom),
    from: config.mailFrom,
    to: to.length === 0 ? [STAFF] : to,
    date: new Date(mail.createdAtMs),
    content,
    look,
  });
  const { text, html } = formsOf(content.subject, content.blocks, look);
  const path = join(folder, kind);
  await Promise.all([
    writeFile(`${path}.eml`, bytes),
    writeFile(`${path}.html`, html),
    writeFile(`${path}.txt`, text),
  ]);
}

/** What a mail says. Throws for a kind that is not known and for a mail that is not needed. */
export async function writeMail(mail: Mail, context: MailContext): Promise<Content> {
  const content = await KINDS.get(mail.kind)?.write(mail, context);
  if (!content) throw new Error(`the sample of ${mail.kind} is no mail`);
  return content;
}

/** The context of samples: its links open nothing. */
export function previewContext(
  config: Omit<PreviewConfig, "dataDir" | "mailFrom" | "alertEmails">,
): MailContext {
  const { shopName, locale, orderUrl, resetUrl } = config;
  const absolute = (url: string) => (url.startsWith("/") ? `http://127.0.0.1:3000${url}` : url);
  return {
    shopName,
    locale,
    ...openFormats(config),
    links: {
      order: (orderId, isGuest) => absolute(`${orderUrl}/${orderId}${isGuest ? `?token=${TOKEN}` : ""}`),
      site: absolute,
      reset: async () => absolute(`${resetUrl}?token=${TOKEN}`),
    },
  };
}

if (import.meta.main) {
  const { readConfig } = await import("../../config.ts");
  process.exitCode = await previewCommand(process.argv.slice(2), {
    config: () => readConfig(process.env),
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  });
}
