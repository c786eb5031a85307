// Ordering beside the mails that it causes: with and without a sender, and with a mail server that hangs.
import { join } from "node:path";
import { bootSink, mailingShop, NEVER } from "../boot/mail.ts";
import { bootForOrders } from "../boot/shop.ts";
import { inRounds } from "../harness/rounds.ts";
import { type Bench, type How, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { ratios } from "../harness/stats.ts";
import { countingBench } from "../load/counting.ts";
import { type Load, RateNotReached, type Run } from "../load/oha.ts";
import { ORDERS_PATH } from "../load/orders.ts";
import { cpuUs, MICROSECONDS } from "../metrics/proc.ts";
import { readMails } from "../metrics/stored-mails.ts";
import { faultOfOrders, readOrders } from "../metrics/stored-orders.ts";

const SHOES = 1_000;
const CONNECTIONS = 128;
/** Orders with a sender / without. */
const RATIO_MIN = 0.98;
/** The share of the capacity at which latencies are compared. */
const SHARE = 0.5;
const P99_GROWTH_MS_MAX = 5;
/** So that the code of mails is compiled: at full speed few are sent. */
const WARM_UP_RATE = 60;
const FULL = { seconds: 6, warmUpSeconds: 8, fullWarmUpSeconds: 3 };
const QUICK = { seconds: 1, warmUpSeconds: 1, fullWarmUpSeconds: 1 };

type Side = "off" | "on" | "hang";
const SIDES: Record<Side, string> = {
  off: "without a sender",
  on: "with a sender",
  hang: "while the mail server hangs",
};
const NAMES = Object.keys(SIDES) as Side[];

/** A round of a side: at full speed, at a fixed rate (`null`: not reached), and what the mails cost. */
type Round = {
  full: Run;
  /** CPU time of the shop for an order at full speed. */
  us: number;
  held: Run | null;
  mailsPerSecond: number;
  /** The mail server's share of a core. */
  sinkShare: number;
};

export const mail: Scenario = {
  name: "mail",
  boot: "for each side and round the shop anew in production settings on a file, 1,000 shoes, the sandbox gateway; a mail server that only counts, on the core of the generator",
  load: `POST /api/orders by guests, two mails each, ${CONNECTIONS} connections: as fast as it goes, then at ${100 * SHARE} % of that; without a sender, with one that always has mails to send, and with a mail server that never answers the content of a mail`,
  measures: "orders per second and their p99 with a sender, also while the mail server hangs, / without",
  needsOha: true,
  async *run(bench) {
    const rounds: Record<Side, Round[]> = { off: [], on: [], hang: [] };
    let rate: number | null = null;
    await inRounds(
      bench,
      NAMES,
      (side) => `orders ${SIDES[side]}`,
      async (side) => {
        const round = await measure(bench, side, rate);
        rate ??= rateOf(round.full);
        rounds[side].push(round);
      },
    );
    yield speedLines(rounds);
    yield latencyLines(rounds, rate ?? 0);
    yield mailLines(rounds);
  },
};

const rateOf = ({ perSecond }: Run): number => Math.max(1, Math.floor(perSecond * SHARE));

/** Boots a shop, sends both loads, and ends it; the first of all rounds finds the rate. */
async function measure(given: Bench, side: Side, rate: number | null): Promise<Round> {
  const { bench, acknowledged } = countingBench(given);
  const { children, cores, isQuick } = bench;
  const { seconds, warmUpSeconds, fullWarmUpSeconds } = isQuick ? QUICK : FULL;
  const sink = await bootSink(bench, { isHanging: side === "hang" });
  const script = mailingShop(side === "off" ? NEVER : {});
  const { base, child, dataDir, bodiesPath } = await bootForOrders(bench, SHOES, { script, env: sink.env });
  const path = join(dataDir, "insole.db");
  const load: Omit<Load, "seconds" | "rate"> = {
    target: { url: base + ORDERS_PATH },
    connections: CONNECTIONS,
    encoding: "identity",
    post: { bodiesPath },
    cores: cores.load,
  };
  await ohaOf(bench).send({ ...load, seconds: warmUpSeconds, rate: WARM_UP_RATE });
  await ohaOf(bench).send({ ...load, seconds: fullWarmUpSeconds, rate: null });
  const [startedAt, sentBefore] = [performance.now(), readMails(path).sent];
  const [before, sinkUsBefore] = [cpuUs(child.pid), cpuUs(sink.child.pid)];
  const full = await ohaOf(bench).send({ ...load, seconds, rate: null });
  const us = (cpuUs(child.pid) - before) / full.answers;
  const held = await sendHeld(bench, { ...load, seconds, rate: rate ?? rateOf(full) });
  const tookSeconds = (performance.now() - startedAt) / 1_000;
  const sent = readMails(path).sent - sentBefore;
  const sinkUs = cpuUs(sink.child.pid) - sinkUsBefore;
  await children.end(child);
  await children.end(sink.child);
  const fault = faultOfOrders(readOrders(path), acknowledged());
  if (fault !== null) throw new Error(fault);
  return {
    full,
    us,
    held,
    mailsPerSecond: sent / tookSeconds,
    sinkShare: sinkUs / MICROSECONDS / tookSeconds,
  };
}

async function sendHeld(bench: Bench, load: Load): Promise<Run | null> {
  try {
    return (await ohaOf(bench).measure(load, async (send) => ({ run: await send() }))).run;
  } catch (thrown) {
    if (thrown instanceof RateNotReached) return null;
    throw thrown;
  }
}

const HOW: How = { connections: CONNECTIONS, rate: null, encoding: "identity" };

function speedLines(rounds: Record<Side, Round[]>): Line[] {
  const perSecond = (side: Side) => rounds[side].map(({ full }) => full.perSecond);
  const ratio = (side: Side): Line => ({
    what: `orders a second ${SIDES[side]} / without`,
    unit: "",
    values: ratios(perSecond(side), perSecond("off")),
    target: { atLeast: RATIO_MIN },
    how: HOW,
  });
  return [
    ratio("on"),
    ratio("hang"),
    ...NAMES.map((side) => ({
      what: `  orders acknowledged ${SIDES[side]}`,
      unit: "/s",
      values: perSecond(side),
    })),
    ...NAMES.map((side) => ({
      what: `  CPU per order ${SIDES[side]}, all threads`,
      unit: "us",
      values: rounds[side].map(({ us }) => us),
    })),
    ...NAMES.map((side) => ({
      what: `  p99 of an order ${SIDES[side]}`,
      unit: "ms",
      values: rounds[side].map(({ full }) => full.p99Ms),
    })),
  ];
}

function latencyLines(rounds: Record<Side, Round[]>, rate: number): Line[] {
  const p99 = (side: Side) => rounds[side].map(({ held }) => held?.p99Ms ?? Number.NaN);
  const how = { ...HOW, rate };
  const line = (line: Line): Line =>
    line.values.every(Number.isFinite)
      ? line
      : { ...line, values: [], notReached: "the rate was not reached" };
  const growth = (side: Side): Line =>
    line({
      what: `p99 of an order at ${rate}/s ${SIDES[side]}: grows by`,
      unit: "ms",
      values: p99(side).map((ms, at) => ms - (p99("off")[at] ?? Number.NaN)),
      target: { atMost: P99_GROWTH_MS_MAX },
      how,
    });
  return [
    growth("on"),
    growth("hang"),
    ...NAMES.map((side) =>
      line({ what: `  p99 of an order at ${rate}/s ${SIDES[side]}`, unit: "ms", values: p99(side) }),
    ),
  ];
}

const mailLines = ({ on }: Record<Side, Round[]>): Line[] => [
  { what: "mails sent meanwhile", unit: "/s", values: on.map(({ mailsPerSecond }) => mailsPerSecond) },
  {
    what: "  the mail server's share of a core",
    unit: "%",
    values: on.map(({ sinkShare }) => 100 * sinkShare),
  },
];
