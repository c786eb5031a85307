// What became of the mails in the file of a shop.
import Libsql from "libsql";

/** Mails by state. */
export type StoredMails = { sent: number; waiting: number };

export function readMails(filePath: string): StoredMails {
  const handle = new Libsql(filePath, { timeout: 5_000 });
  try {
    const [sent, waiting] = handle
      .prepare(
        "SELECT count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state = 'due') FROM outbox",
      )
      .raw(true)
      .get([]) as [number, number];
    return { sent, waiting };
  } finally {
    handle.close();
  }
}
