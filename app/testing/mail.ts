// The mail of a shop for tests: on a file of its own or a given database, with a clock that the test moves, and rows of the outbox.
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { openTurns } from "../../db/read/turns.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { openSingle } from "../../db/topology.ts";
import { readConfig } from "../config.ts";
import { openLog } from "../log.ts";
import { openMail, type ShopMail } from "../mail/mail.ts";
import { openFolder } from "./shop.ts";

/** The data of a mail of the kind `receipt`. */
export const RECEIPT = {
  id: "0b7e9f0e-1111-4222-8333-444455556666",
  number: "10001",
  userId: null,
  email: "ada@shop.example",
  items: [{ productName: "Runner", size: "42", quantity: 2, price: 59.5 }],
  totals: { items: 119, shipping: 0, tax: 19, total: 119 },
  currency: "EUR",
  shippingAddress: null,
  shippingMethod: "standard",
  paymentMethod: "card",
  createdAt: "2026-11-28T10:00:00.000Z",
};

/** A row of the outbox, as a test gives it. */
type NewMail = { kind?: string; data?: unknown; dueAtMs?: number; createdAtMs?: number; state?: string };

/** A row of the outbox, as a test looks at it. */
export type OutboxRow = {
  recipient: string | null;
  state: string;
  tries: number;
  dueAtMs: number;
  error: string | null;
};

export type TestMail = {
  db: Database;
  databasePath: string;
  dataDir: string;
  clock: { ms: number };
  logged: string[];
  mail: ShopMail;
  /** Another sender on the same database. */
  openAnother(given?: TestMailOptions): ShopMail;
  close(): Promise<void>;
};

type TestMailOptions = {
  settings?: Record<string, string>;
  random?: () => number;
  /** Puts another database before the file. */
  before?: (file: Database) => Database;
} & Pick<Parameters<typeof openMail>[0], "times" | "bounds" | "mailer">;

/** The time at which the clocks of tests begin. */
export const START_MS = Date.parse("2026-11-28T10:00:00Z");

/** Opens the mail of a shop; its sender looks when the test says `run`. */
export function openTestMail(given: TestMailOptions = {}): TestMail {
  const folder = openFolder();
  const databasePath = join(folder.path, "insole.db");
  migrate(databasePath);
  const db = openFile(databasePath);
  const clock = { ms: START_MS };
  const logged: string[] = [];
  const opened: ShopMail[] = [];
  const openAnother = (options: TestMailOptions = {}): ShopMail => {
    const { settings, times, before = (file) => file, ...rest } = options;
    const mail = openMail({
      db: before(db),
      config: readConfig({ DATA_DIR: folder.path, MAIL_FROM: "Shop <shop@shop.example>", ...settings }),
      copy: openSingle(db),
      turns: openTurns({ runningMax: 1, waitingMax: 10 }),
      links: {
        order: (id) => `https://shop.example/orders/${id}`,
        site: (href) => href,
        reset: async () => null,
      },
      now: () => clock.ms,
      log: openLog("info", "json", (line) => logged.push(line)),
      times: { paceMs: 0, paceMaxMs: 0, ...times },
      ...rest,
    });
    opened.push(mail);
    return mail;
  };
  return {
    db,
    databasePath,
    dataDir: folder.path,
    clock,
    logged,
    mail: openAnother(given),
    openAnother,
    async close() {
      for (const mail of opened) await mail.close();
      await db.close();
      folder.remove();
    },
  };
}

/** Adds a mail that is due; no other has its key. */
export async function addMail(db: Database, recipient: string | null, given: NewMail = {}): Promise<void> {
  const {
    kind = "receipt",
    data = RECEIPT,
    dueAtMs = START_MS,
    createdAtMs = dueAtMs,
    state = "due",
  } = given;
  await db.write([
    {
      sql: `INSERT INTO outbox (kind, key, recipient, data, state, due_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      args: [kind, crypto.randomUUID(), recipient, JSON.stringify(data), state, dueAtMs, createdAtMs],
    },
  ]);
}

/** All rows of the outbox. */
export const outboxIn = (db: Database): OutboxRow[] =>
  db.read
    .all<[string | null, string, number, number, string | null]>(
      "SELECT recipient, state, tries, due_at, last_error FROM outbox ORDER BY seq",
    )
    .map(([recipient, state, tries, dueAtMs, error]) => ({ recipient, state, tries, dueAtMs, error }));

/** The states of the mails, in the order of their rows. */
export const statesIn = (db: Database): string[] => outboxIn(db).map(({ state }) => state);
