// The mail of a shop: its sender, and what all mails know of the shop.
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import type { Turns } from "../../db/read/turns.ts";
import type { Topology } from "../../db/topology.ts";
import type { Log } from "../log.ts";
import type { MailConfig } from "../mail-settings.ts";
import { type DailyReports, openDailyReports, type ReportTimes } from "./daily-report/reports.ts";
import { openFormats } from "./formats.ts";
import type { Links, Mail, MailContext } from "./kind.ts";
import { KINDS } from "./kinds.ts";
import { type Mailer, openMailer } from "./mailer.ts";
import { type Message, messageIdOf } from "./message.ts";
import { openSender, type Sender } from "./sender.ts";
import type { SmtpBounds } from "./smtp.ts";
import type { SenderTimes } from "./times.ts";

export { openFormats } from "./formats.ts";
export type { Links } from "./kind.ts";

/** The folder of mails in the data folder, where no mail server is set. */
const FOLDER = "mail";

export type ShopMail = Sender;

type MailOptions = {
  db: Database;
  config: MailConfig & { dataDir: string; reportTimezone: string; currency: string };
  /** How new the local copy is, of which reports are made. */
  copy: Pick<Topology, "lagMs" | "trouble">;
  /** Turns of reports at the read worker. */
  turns: Pick<Turns, "runReads">;
  links: Links;
  now(): number;
  log: Pick<Log, "warn">;
  times?: Partial<SenderTimes & ReportTimes> | undefined;
  bounds?: SmtpBounds | undefined;
  random?(): number;
  /** Replaces the mailer of the settings. */
  mailer?: Mailer | undefined;
};

/** Opens the mail of a process; it sends nothing until its start. */
export function openMail(options: MailOptions): ShopMail {
  const { db, config, links, now, log, random, times = {}, mailer = mailerOf(options) } = options;
  const { shopName, locale } = config;
  const context = { shopName, locale, links, ...openFormats(config) };
  const sender = openSender({
    db,
    now,
    log,
    times,
    ...(random ? { random } : {}),
    mailer,
    write: (mail) => write(mail, config, context, now),
  });
  const reports = reportsOf(options);
  return {
    start() {
      sender.start();
      reports?.start();
    },
    async run() {
      await reports?.run();
      await sender.run();
    },
    state: sender.state,
    async close() {
      await Promise.all([reports?.close(), sender.close()]);
    },
  };
}

/** The maker of daily reports; `null` where the staff gets no mails. */
function reportsOf({
  db,
  config,
  copy,
  turns,
  now,
  log,
  random,
  times = {},
}: MailOptions): DailyReports | null {
  if (config.alertEmails.length === 0) return null;
  const books = { timezone: config.reportTimezone, currency: config.currency };
  return openDailyReports({ db, books, copy, turns, now, log, times, ...(random ? { random } : {}) });
}

const mailerOf = ({ config: { smtp, dataDir }, bounds }: MailOptions): Mailer =>
  openMailer({ smtp, folder: join(dataDir, FOLDER), bounds });

/** Writes a mail; `null` when it has no reader. Throws for a kind that this program does not know. */
async function write(
  mail: Mail,
  { mailFrom: from, alertEmails }: MailConfig,
  context: MailContext,
  now: () => number,
): Promise<Message | null> {
  const kind = KINDS.get(mail.kind);
  if (!kind) throw new Error(`there is no kind of mail "${mail.kind}"`);
  const to = mail.recipient === null ? alertEmails : [mail.recipient];
  if (to.length === 0) return null;
  const content = await kind.write(mail, context);
  if (!content) return null;
  const { shopName, locale } = context;
  return {
    id: messageIdOf(mail, from),
    from,
    to,
    date: new Date(now()),
    content,
    look: { shopName, locale },
  };
}
