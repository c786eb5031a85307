// Orders under kill -9 and a mail server that fails: whether every acknowledged order gets its receipt, and how many come again.
import { join } from "node:path";
import { openFile } from "../../../db/file.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { openFolder } from "../shop.ts";
import { type Arrivals, openArrivals } from "./arrivals.ts";
import { type Customer, type Ordering, placeOrders, prepareCustomers, SECRET } from "./customers.ts";
import { judge, RECEIPTS, UNFINISHED, type Verdict } from "./judge.ts";
import { openPostOffice, type PostOffice } from "./post-office.ts";
import { type MailShops, openMailShops } from "./shops.ts";

export type MailsOptions = {
  orders: number;
  /** How often a sender is killed while orders are placed and mails are sent. */
  kills: number;
  /** The share of the tries that the mail server fails. */
  failShare: number;
  /** Nodes of a primary; 0: one process on a file. */
  nodes: number;
  progress(line: string): void;
};

/** The result of a run; `trouble` lists its faults. */
export type MailsResult = Verdict &
  Pick<Ordering, "repeated" | "placedAnew"> & {
    acknowledged: number;
    kills: number;
    /** How often the mail server was away. */
    absences: number;
    /** Tries at the mail server by what became of them. */
    tries: [string, number][];
    seconds: number;
    /** From the answer to an order to its receipt, in ms. */
    delaysMs: number[];
  };

const SETTINGS = {
  JWT_SECRET: SECRET,
  MAIL_FROM: "Insole <shop@shop.example>",
  PUBLIC_URL: "https://shop.example",
  OPEN_ORDERS_MAX: "0",
  OPEN_ORDERS_ADDRESS_MAX: "0",
  RATE_LIMIT_MAX: "0",
};
/** Orders wait while so many receipts are missing: so both go on until the end. */
const AHEAD_SHARE = 0.05;
const AHEAD_MIN = 40;
/** Shares of the receipts, between which processes are killed and the server is away. */
const FROM = 0.02;
const TO = 0.95;
/** A mail takes less: so a kill comes at any moment of it, or between two. */
const KILL_AFTER_MS_MAX = 12;
/** By then the mail server has read what a dead process had sent. */
const READ_MS = 50;
const ABSENCES = 3;
/** Alerts that are withdrawn come after the last receipt. */
const FINISHED_MS_MAX = 60_000;
const FINISHED_POLL_MS = 100;

/** Runs once, on a new database. */
export async function runMails(options: MailsOptions): Promise<MailsResult> {
  const folder = openFolder();
  const post = await openPostOffice(options.failShare);
  try {
    const path = join(folder.path, "insole.db");
    migrate(path);
    const db = openFile(path);
    const customers = await prepareCustomers(db, options.orders);
    await db.close();
    const shops = await openMailShops(folder.path, options.nodes, { ...SETTINGS, SMTP_URL: post.url });
    try {
      return await sendAll(customers, shops, post, options);
    } finally {
      await shops.end();
    }
  } finally {
    await post.close();
    folder.remove();
  }
}

/** Places the orders, kills the senders meanwhile, and judges what came of it. */
async function sendAll(
  customers: Customer[],
  shops: MailShops,
  post: PostOffice,
  { orders, kills, nodes, progress }: MailsOptions,
): Promise<MailsResult> {
  const ordering: Ordering = { bought: new Map(), repeated: 0, placedAnew: 0, trouble: [] };
  const { bought } = ordering;
  const startedAt = performance.now();
  const arrivals = openArrivals(post.received);
  const aheadMax = Math.max(AHEAD_MIN, orders * AHEAD_SHARE);
  const isAhead = () => bought.size - arrivals.count() > aheadMax;
  const ordered = placeOrders(customers, ordering, shops.urls, isAhead);
  const away = goAway(post, arrivals, orders);
  const killedAt: number[] = [];
  for (const point of pointsOf(kills, orders)) {
    if (!(await arrivals.reached(point))) break;
    killedAt.push(await killOne(shops, post));
    progress(
      `kill ${killedAt.length}: ${bought.size} orders acknowledged, ${arrivals.count()} receipts arrived`,
    );
  }
  await ordered;
  await arrivals.reached(bought.size);
  const seconds = (performance.now() - startedAt) / 1_000;
  const unfinished = await unfinishedIn(shops);
  const absences = await away;
  arrivals.close();
  const [receipts, received] = [await shops.ask(RECEIPTS), post.received()];
  const books = await shops.end();
  const verdict = judge({ bought, receipts, received, killedAt, isAlone: nodes === 0 });
  const trouble = [
    ...ordering.trouble,
    ...(bought.size === orders ? [] : [`${bought.size} of ${orders} orders were acknowledged`]),
    ...(killedAt.length === kills ? [] : [`${killedAt.length} of ${kills} kills`]),
    ...(unfinished === 0 ? [] : [`${unfinished} mails are not finished`]),
    ...(verdict.repeats <= kills ? [] : [`${verdict.repeats} repeats after ${kills} kills`]),
    ...verdict.trouble,
    ...books,
  ];
  const { repeated, placedAnew } = ordering;
  const counts = { acknowledged: bought.size, repeated, placedAnew, kills: killedAt.length, absences };
  return {
    ...verdict,
    ...counts,
    tries: [...post.tries()],
    seconds,
    delaysMs: arrivals.delaysOf(bought),
    trouble,
  };
}

/** When to do something so often: random numbers of receipts, in their order. */
const pointsOf = (count: number, orders: number): number[] =>
  Array.from({ length: count }, () => Math.floor(orders * (FROM + Math.random() * (TO - FROM)))).sort(
    (a, b) => a - b,
  );

/** Kills a sender in the middle of a mail or soon after it, and starts it again. Returns how many mails had arrived. */
async function killOne(shops: MailShops, post: PostOffice): Promise<number> {
  await post.nextTry();
  await Bun.sleep(Math.random() * KILL_AFTER_MS_MAX);
  await shops.killNext();
  await Bun.sleep(READ_MS);
  const arrived = post.received().length;
  await shops.startKilled();
  return arrived;
}

/** Lets the mail server be away for some moments, and returns how often. */
async function goAway(post: PostOffice, arrivals: Arrivals, orders: number): Promise<number> {
  for (const [times, point] of pointsOf(ABSENCES, orders).entries()) {
    if (!(await arrivals.reached(point))) return times;
    await post.goAway();
  }
  return ABSENCES;
}

/** Waits until every mail is sent or withdrawn; returns how many are not. */
async function unfinishedIn(shops: MailShops): Promise<number> {
  const endsAt = performance.now() + FINISHED_MS_MAX;
  for (;;) {
    const [[count] = [0]] = await shops.ask(UNFINISHED);
    if (count === 0 || performance.now() > endsAt) return Number(count);
    await Bun.sleep(FINISHED_POLL_MS);
  }
}
