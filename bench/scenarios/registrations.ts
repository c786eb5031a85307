// Registrations at full speed on one core, beside the password hash that each of them needs.
import { bootShop, CACHE_BYTES, type Server } from "../boot/shop.ts";
import { inRounds } from "../harness/rounds.ts";
import { type Bench, type How, type Line, ohaOf, type Scenario } from "../harness/scenario.ts";
import { ratios } from "../harness/stats.ts";
import { catalogueCopy } from "../load/catalogue.ts";
import { errorsOf, type Load } from "../load/oha.ts";
import { countAccounts, faultsOf, withoutRepeats, writeRegistrations } from "../load/traffic.ts";
import { cpuUs, MICROSECONDS } from "../metrics/proc.ts";

const SHARE_OF_CEILING_MIN = 0.9;
/** More than one core can hash, so that it is never idle. */
const CONNECTIONS = 8;
const SHOES = 1_000;
const FULL = { seconds: 5, warmUpSeconds: 2 };
const QUICK = { seconds: 1, warmUpSeconds: 1 };
/** The loop may take this much longer than its own time, to start and to end. */
const LOOP_GRACE_MS = 30_000;
const HOW: How = { connections: CONNECTIONS, rate: null, encoding: "identity" };

export const registrations: Scenario = {
  name: "registrations",
  boot: "the shop in production settings, 1,000 shoes, on one core; its password hash (argon2id) alone in a loop on the same core",
  load: "registrations of new accounts, 8 connections, as fast as it goes; in turns with the loop",
  measures: "registrations per second, shop / the hash alone",
  needsOha: true,
  async *run(bench) {
    const { children, cores } = bench;
    const dataDir = await catalogueCopy(bench, SHOES);
    const server = await bootShop(children, { dataDir, cores: cores.server, cacheBytesMax: CACHE_BYTES });
    yield linesOf(await inTurns(bench, { ...server, dataDir }));
    await children.end(server.child);
  },
};

const settingsOf = ({ isQuick }: Bench) => (isQuick ? QUICK : FULL);

type Shop = Server & { dataDir: string };
/** The rate per second, and per second of CPU time. */
type Speed = { perSecond: number; perCpuSecond: number };
type Speeds = Record<"shop" | "ceiling", Speed[]>;

async function inTurns(bench: Bench, shop: Shop): Promise<Speeds> {
  const { seconds, warmUpSeconds } = settingsOf(bench);
  const sides = [
    { name: "shop", measure: (forSeconds: number) => register(bench, shop, forSeconds) },
    { name: "ceiling", measure: (forSeconds: number) => hashAlone(bench, forSeconds) },
  ] as const;
  await register(bench, shop, warmUpSeconds);
  const speeds: Speeds = { shop: [], ceiling: [] };
  await inRounds(
    bench,
    sides,
    ({ name }) => (name === "shop" ? "registrations" : "the hash alone"),
    async ({ name, measure }) => void speeds[name].push(await measure(seconds)),
  );
  return speeds;
}

async function register(bench: Bench, { base, child, dataDir }: Shop, seconds: number): Promise<Speed> {
  const { children, cores } = bench;
  const load: Load = {
    target: { url: `${base}/api/auth/register` },
    connections: CONNECTIONS,
    seconds,
    rate: null,
    encoding: "identity",
    post: { bodiesPath: writeRegistrations(children.folder) },
    cores: cores.load,
  };
  const [accounts, us] = [countAccounts(dataDir), cpuUs(child.pid)];
  const [answered] = await ohaOf(bench).together([load]);
  if (answered === undefined) throw new Error("no registrations were sent");
  const spent = cpuUs(child.pid) - us;
  const run = withoutRepeats(answered, countAccounts(dataDir) - accounts);
  if (errorsOf(run) > 0) throw new Error(`invalid run, ${faultsOf([run])}`);
  return { perSecond: run.perSecond, perCpuSecond: (run.answers / spent) * MICROSECONDS };
}

async function hashAlone({ children, cores }: Bench, seconds: number): Promise<Speed> {
  const loop = children.start(["bench/ceilings/argon2.ts", String(seconds)], { cores: cores.server });
  return JSON.parse(await children.expectEnd(loop, seconds * 1_000 + LOOP_GRACE_MS)) as Speed;
}

function linesOf({ shop, ceiling }: Speeds): Line[] {
  const each = (speeds: readonly Speed[], of: keyof Speed) => speeds.map((speed) => speed[of]);
  return [
    {
      what: "registrations on one core, shop / argon2id alone",
      unit: "",
      values: ratios(each(shop, "perSecond"), each(ceiling, "perSecond")),
      target: { atLeast: SHARE_OF_CEILING_MIN },
      how: HOW,
    },
    {
      what: "  the same per second of CPU time",
      unit: "",
      values: ratios(each(shop, "perCpuSecond"), each(ceiling, "perCpuSecond")),
      how: HOW,
    },
    {
      what: "  registrations",
      unit: "/s",
      values: each(shop, "perSecond"),
      how: HOW,
      point: { chart: "registrations on one core", series: "per second", x: "the shop" },
    },
    {
      what: "  ceiling: argon2id alone",
      unit: "/s",
      values: each(ceiling, "perSecond"),
      how: HOW,
      point: { chart: "registrations on one core", series: "per second", x: "argon2id alone" },
    },
  ];
}
