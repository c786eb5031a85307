// The load generator: where oha is, how it is told what to send, and whether a run of it counts.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Children } from "../harness/children.ts";

/** The version that `bench/install-oha` installs. */
export const OHA_VERSION = "1.16.0";
/** A run slower than this share of its rate measured something else. */
const RATE_SHARE_MIN = 0.98;
const REPEATS_MAX = 2;
const REQUEST_SECONDS_MAX = 10;
/** Beyond its own time, for connecting, the last answers and the report. */
const SPARE_MS = 30_000;
const ABORTED = "aborted due to deadline";

/** What to send: one address, or a file with one address per line, drawn from by chance. */
export type Load = {
  target: { url: string } | { urlsPath: string };
  connections: number;
  seconds: number;
  /** Requests per second; `null`: as many as the server answers. */
  rate: number | null;
  encoding: "gzip" | "identity";
  /** Sent as POST instead of GET. */
  post?: Post;
  /** The entity tag of an answer that the client has already. */
  ifNoneMatch?: string;
  /** An SQLite file where every answer is noted, with its path and its status. */
  recordPath?: string;
  cores: readonly number[] | null;
};

/** A bearer token, and a JSON body, or a file with one on each line, drawn from by chance. */
export type Post = { token?: string; body?: string; bodiesPath?: string };

/** What one run saw; latencies in ms. */
export type Run = {
  answers: number;
  perSecond: number;
  meanMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  statuses: Record<string, number>;
  errors: Record<string, number>;
};

/** The text that `oha --output-format json` prints, as far as it is read here. */
type OhaReport = {
  summary: { total: number; average: number };
  latencyPercentiles: Record<string, number | null>;
  statusCodeDistribution: Record<string, number>;
  errorDistribution: Record<string, number>;
};

/** The path of oha, looked for on PATH and where cargo puts it; `null` when it is not there. */
export function findOha(): string | null {
  const byCargo = join(homedir(), ".cargo", "bin", "oha");
  return Bun.which("oha") ?? (existsSync(byCargo) ? byCargo : null);
}

/** Oha's arguments for a load. */
export function ohaArguments(load: Load): string[] {
  const { target, connections, seconds, rate, encoding, post, ifNoneMatch, recordPath } = load;
  const pace = rate === null ? [] : ["-q", String(rate), "--latency-correction"];
  return [
    "--no-tui",
    "--output-format",
    "json",
    "--disable-compression",
    "--worker-threads",
    "1",
    "-c",
    String(connections),
    "-z",
    `${seconds}s`,
    "-t",
    `${REQUEST_SECONDS_MAX}s`,
    ...pace,
    ...(post ? ["-m", "POST"] : []),
    ...(post?.token === undefined ? [] : ["-H", `authorization: Bearer ${post.token}`]),
    ...(post?.body === undefined ? [] : ["-T", "application/json", "-d", post.body]),
    ...(post?.bodiesPath === undefined ? [] : ["-T", "application/json", "-Z", post.bodiesPath]),
    ...(ifNoneMatch === undefined ? [] : ["-H", `if-none-match: ${ifNoneMatch}`]),
    ...(recordPath === undefined ? [] : ["--db-url", recordPath]),
    "-H",
    `accept-encoding: ${encoding}`,
    ...("url" in target ? [target.url] : ["--urls-from-file", target.urlsPath]),
  ];
}

/** Reads oha's report. What the deadline cut off is no error; the success rate it prints knows no statuses. */
export function readReport(text: string): Run {
  const report = JSON.parse(text) as OhaReport;
  const statuses = report.statusCodeDistribution;
  const answers = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  const ms = (name: string): number => (report.latencyPercentiles[name] ?? Number.NaN) * 1_000;
  const { [ABORTED]: _, ...errors } = report.errorDistribution;
  return {
    answers,
    perSecond: answers / report.summary.total,
    meanMs: report.summary.average * 1_000,
    p50Ms: ms("p50"),
    p95Ms: ms("p95"),
    p99Ms: ms("p99"),
    statuses,
    errors,
  };
}

/** Why a run is worth nothing, in one sentence; `null` when all its answers were good. */
export function faultOf(run: Run): string | null {
  const { statuses, errors } = badOf(run);
  const what = [
    ...statuses.map(([status, count]) => `${count} answers ${status}`),
    ...errors.map(([error, count]) => `${count} times ${error}`),
  ];
  if (what.length > 0) return what.join(", ");
  return run.answers === 0 ? "not one answer" : null;
}

/** How many answers of a run were bad or did not come. */
export function errorsOf(run: Run): number {
  const { statuses, errors } = badOf(run);
  return [...statuses, ...errors].reduce((sum, [, count]) => sum + count, 0);
}

const badOf = ({ statuses, errors }: Run) => ({
  statuses: Object.entries(statuses).filter(([status]) => !/^2\d\d$|^304$/.test(status)),
  errors: Object.entries(errors),
});

/** Whether a run kept up with its rate. */
export const keptRate = ({ perSecond }: Pick<Run, "perSecond">, rate: number | null): boolean =>
  rate === null || perSecond >= rate * RATE_SHARE_MIN;

/** A run fell behind its rate as often as it may: what was to be measured at that rate is not known. */
export class RateNotReached extends Error {}

/** The load generator of one bench. */
export type Oha = {
  version: string;
  /** Sends a load once; throws when an answer was bad. */
  send(load: Load): Promise<Run>;
  /** Sends several loads at the same time; bad answers are counted in their runs and not thrown, slow runs not repeated. */
  together(loads: readonly Load[]): Promise<Run[]>;
  /** Does it once, and again where the run fell behind the rate: twice at most, after which it throws `RateNotReached`. */
  keepRate<T extends { run: Pick<Run, "perSecond"> }>(
    rate: number | null,
    once: () => Promise<T>,
  ): Promise<T>;
  /**
   * Sends a load and takes a reading around it; a run that fell behind its rate is thrown away and repeated, twice at
   * most, after which it throws `RateNotReached`.
   */
  measure<T>(
    load: Load,
    around: (send: () => Promise<Run>) => Promise<T & { run: Run }>,
  ): Promise<T & { run: Run }>;
};

/** Opens oha; `log` is told of runs that are thrown away. Where rates need not be kept, slow runs count. */
export async function openOha(
  path: string,
  children: Children,
  { mustKeepRate, log }: { mustKeepRate: boolean; log: (line: string) => void },
): Promise<Oha> {
  const version = (
    await children.expectEnd(children.run([path, "--version"], { cores: null }), SPARE_MS)
  ).trim();
  const trySend = async (load: Load) => {
    const child = children.run([path, ...ohaArguments(load)], { cores: load.cores });
    const text = await children.expectEnd(child, load.seconds * 1_000 + SPARE_MS);
    return { run: readReport(text), typed: child.published };
  };
  const send = async (load: Load): Promise<Run> => {
    const { run, typed } = await trySend(load);
    const fault = faultOf(run);
    if (fault !== null) throw new Error(`invalid run, ${fault}: ${typed}`);
    return run;
  };
  const keepRate: Oha["keepRate"] = async (rate, once) => {
    for (let repeats = 0; ; repeats += 1) {
      const taken = await once();
      if (!mustKeepRate || keptRate(taken.run, rate)) return taken;
      const what = `${Math.round(taken.run.perSecond)}/s of ${rate}/s`;
      if (repeats === REPEATS_MAX) throw new RateNotReached(`not reached: ${what}, ${repeats + 1} times`);
      log(`thrown away, repeated: ${what}`);
    }
  };
  return {
    version,
    send,
    async together(loads) {
      return (await Promise.all(loads.map(trySend))).map(({ run }) => run);
    },
    keepRate,
    measure: (load, around) => keepRate(load.rate, () => around(() => send(load))),
  };
}
