// The sender of a shop that has no mail to send: the CPU of its looks at the outbox.
import { bootSink, mailingShop, NEVER } from "../boot/mail.ts";
import { bootShop, CACHE_BYTES } from "../boot/shop.ts";
import { eachRound } from "../harness/rounds.ts";
import type { Bench, Line, Scenario } from "../harness/scenario.ts";
import { catalogueCopy } from "../load/catalogue.ts";
import { ORDER_SETTINGS } from "../load/orders.ts";
import { cpuUs, MICROSECONDS } from "../metrics/proc.ts";

const CORE_PERCENT_MAX = 0.1;
const SHOES = 1_000;
const OFTEN_MS = 10;
/** The program's own. */
const LOOK_MS = 1_000;
const FULL = { seconds: 60, settleSeconds: 20 };
const QUICK = { seconds: 1, settleSeconds: 1 };

/** The times of three senders; the last looks a hundred times as often, which shows the cost of a look. */
const TIMES = { off: NEVER, on: {}, often: { lookMs: OFTEN_MS } };
type Side = keyof typeof TIMES;
const NAMES = Object.keys(TIMES) as Side[];

/** CPU in percent of a core by side. */
type Shares = Record<Side, number>;

export const mailIdle: Scenario = {
  name: "mail-idle",
  boot: "three shops at once in production settings on files of 1,000 shoes: one that never looks at its outbox, one that looks once a second as shipped, one that looks a hundred times a second",
  load: "nothing",
  measures: "CPU of the looks of a sender with nothing to send, in 60 s",
  needsOha: false,
  async *run(bench) {
    const { seconds, settleSeconds } = bench.isQuick ? QUICK : FULL;
    const sink = await bootSink(bench);
    const pids = {} as Record<Side, number>;
    for (const side of NAMES) pids[side] = await bootIdle(bench, side, sink.env);
    // The idle time itself is measured, here and below.
    await Bun.sleep(settleSeconds * 1_000);
    yield linesOf(await eachRound(bench, `${seconds} s idle`, () => idle(pids, seconds)));
  },
};

async function bootIdle(bench: Bench, side: Side, env: Record<string, string>): Promise<number> {
  const { child } = await bootShop(bench.children, {
    dataDir: await catalogueCopy(bench, SHOES),
    cores: null,
    cacheBytesMax: CACHE_BYTES,
    env: { ...ORDER_SETTINGS, ...env },
    script: mailingShop(TIMES[side]),
  });
  return child.pid;
}

async function idle(pids: Record<Side, number>, seconds: number): Promise<Shares> {
  const read = () => NAMES.map((side) => cpuUs(pids[side]));
  const [before, startedAt] = [read(), performance.now()];
  await Bun.sleep(seconds * 1_000);
  const tookUs = ((performance.now() - startedAt) / 1_000) * MICROSECONDS;
  const after = read();
  const [off = 0, on = 0, often = 0] = after.map((us, at) => (100 * (us - (before[at] ?? 0))) / tookUs);
  return { off, on, often };
}

function linesOf(rounds: readonly Shares[]): Line[] {
  /** What the looks of the quick one cost beyond no looks, for one look a second. */
  const looks = rounds.map(({ off, often }) => ((often - off) * OFTEN_MS) / LOOK_MS);
  const percent = (what: string, of: (shares: Shares) => number): Line => ({
    what,
    unit: "%",
    values: rounds.map(of),
  });
  return [
    {
      what: "a look a second: of a core",
      unit: "%",
      values: looks,
      target: { atMost: CORE_PERCENT_MAX },
      note: "a hundredth of what a hundred looks a second add",
    },
    {
      what: "  a look",
      unit: "us",
      values: looks.map((share) => (share / 100) * (LOOK_MS / 1_000) * MICROSECONDS),
    },
    percent("  an idle shop without looks", ({ off }) => off),
    percent("  with one a second", ({ on }) => on),
    percent("  with a hundred a second", ({ often }) => often),
  ];
}
