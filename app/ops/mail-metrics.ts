// Metrics of mail: what this process sent, and the mails that wait.
import type { Define } from "./define.ts";
import type { OutcomeCount } from "./outcomes.ts";

/** The outcomes of the mails of this process; how many of the shop wait, and how long the first, if there is a copy to read. */
type MailState = {
  mails: OutcomeCount[];
  waiting: { due: number; parked: number } | null;
  overdueMs: number | null;
};

/** The services that the metrics of mail read. */
export type MailServices = { mail: { state(): MailState } };

/** Defines the metrics of mail. */
export function defineMails({ counter, gauge }: Define, { mail }: MailServices): void {
  counter(
    "insole_mails_total",
    "Tries of mails by this process, by kind and outcome: sent, failed and to be tried again, parked after the last try, or withdrawn because the mail is no longer needed",
    ["kind", "outcome"],
    (put) => {
      for (const { kind, outcome, count } of mail.state().mails) put(count, { kind, outcome });
    },
  );
  gauge(
    "insole_mails_waiting",
    "Mails of the shop that are due, now or at their next try, and that are parked until an admin releases them; at most 10000 each",
    ["state"],
    (put) => {
      const { waiting } = mail.state();
      if (!waiting) return;
      put(waiting.due, { state: "due" });
      put(waiting.parked, { state: "parked" });
    },
  );
  gauge(
    "insole_mail_overdue_seconds",
    "For how long the mail that is due first has been waiting for a try; minutes: no process sends mails, or too few do",
    [],
    (put) => {
      const ms = mail.state().overdueMs;
      if (ms !== null) put(ms / 1_000);
    },
  );
}
