// The load generator: where oha is installed, its arguments, and whether a run of it is valid.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Children } from "../harness/children.ts";

/** The version that `bench/install-oha` installs. */
export const OHA_VERSION = "1.16.0";
/** A run below this share of its rate is discarded: it measured another load. */
const RATE_SHARE_MIN = 0.98;
const REPEATS_MAX = 2;
const REQUEST_SECONDS_MAX = 10;
/** A run may take this much longer than its own time, to connect, to end and to report. */
const GRACE_MS = 30_000;
const ABORTED = "aborted due to deadline";

/** What to send: one address, or a file with one address per line, from which oha picks at random. */
export type Load = {
  target: { url: string } | { urlsPath: string };
  connections: number;
  seconds: number;
  /** Requests per second; `null`: the next request follows each response at once. */
  rate: number | null;
  encoding: "gzip" | "identity";
  /** Sends POST instead of GET. */
  post?: Post;
  /** The `If-None-Match` of every request. */
  ifNoneMatch?: string;
  /** An SQLite file to which oha writes the path and the status of every response. */
  recordPath?: string;
  cores: readonly number[] | null;
};

/** A bearer token, and a JSON body or a file with one body a line, from which oha picks at random. */
type Post = { token?: string; body?: string; bodiesPath?: string };

/** The result of one run; latencies in ms. */
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

/** The fields of `oha --output-format json` that are read here. */
type OhaReport = {
  summary: { total: number; average: number };
  latencyPercentiles: Record<string, number | null>;
  statusCodeDistribution: Record<string, number>;
  errorDistribution: Record<string, number>;
};

/** The path of oha, on PATH or in cargo's folder; `null` when it is not installed. */
export function findOha(): string | null {
  const byCargo = join(homedir(), ".cargo", "bin", "oha");
  return Bun.which("oha") ?? (existsSync(byCargo) ? byCargo : null);
}

/** Oha's arguments for a load. */
export function ohaArguments(load: Load): string[] {
  const { target, connections, seconds, rate, encoding, post, ifNoneMatch, recordPath } = load;
  const fixedRate = rate === null ? [] : ["-q", String(rate), "--latency-correction"];
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
    ...fixedRate,
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

/** Reads oha's report. Requests that the deadline aborts are no errors; its own success rate ignores statuses. */
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

/** Why a run is invalid, in one phrase; `null` when every response was good. */
export function faultOf(run: Run): string | null {
  const { statuses, errors } = badOf(run);
  const what = [
    ...statuses.map(([status, count]) => `${count} answers ${status}`),
    ...errors.map(([error, count]) => `${count} times ${error}`),
  ];
  if (what.length > 0) return what.join(", ");
  return run.answers === 0 ? "not one answer" : null;
}

/** How many responses of a run were bad or missing. */
export function errorsOf(run: Run): number {
  const { statuses, errors } = badOf(run);
  return [...statuses, ...errors].reduce((sum, [, count]) => sum + count, 0);
}

const badOf = ({ statuses, errors }: Run) => ({
  statuses: Object.entries(statuses).filter(([status]) => !/^2\d\d$|^304$/.test(status)),
  errors: Object.entries(errors),
});

/** Whether a run reached its rate. */
export const keptRate = ({ perSecond }: Pick<Run, "perSecond">, rate: number | null): boolean =>
  rate === null || perSecond >= rate * RATE_SHARE_MIN;

/** Every repetition of a run stayed below its rate, so there is no value at that rate. */
export class RateNotReached extends Error {}

/** The load generator of one bench. */
export type Oha = {
  version: string;
  /** Sends a load once; throws when a response was bad. */
  send(load: Load): Promise<Run>;
  /** Sends several loads at the same time. Bad responses are only counted, and slow runs are not repeated. */
  together(loads: readonly Load[]): Promise<Run[]>;
  /** Measures once, and again while the run stays below its rate; throws `RateNotReached` after the third time. */
  keepRate<T extends { run: Pick<Run, "perSecond"> }>(
    rate: number | null,
    once: () => Promise<T>,
  ): Promise<T>;
  /** `keepRate` for a load that is sent once each time; `around` takes readings before and after it. */
  measure<T>(
    load: Load,
    around: (send: () => Promise<Run>) => Promise<T & { run: Run }>,
  ): Promise<T & { run: Run }>;
};

/** Opens oha. Discarded runs are logged; without `mustKeepRate` slow runs are valid. */
export async function openOha(
  path: string,
  children: Children,
  { mustKeepRate, log }: { mustKeepRate: boolean; log: (line: string) => void },
): Promise<Oha> {
  const version = (
    await children.expectEnd(children.run([path, "--version"], { cores: null }), GRACE_MS)
  ).trim();
  const trySend = async (load: Load) => {
    const child = children.run([path, ...ohaArguments(load)], { cores: load.cores });
    const text = await children.expectEnd(child, load.seconds * 1_000 + GRACE_MS);
    return { run: readReport(text), command: child.published };
  };
  const send = async (load: Load): Promise<Run> => {
    const { run, command } = await trySend(load);
    const fault = faultOf(run);
    if (fault !== null) throw new Error(`invalid run, ${fault}: ${command}`);
    return run;
  };
  const keepRate: Oha["keepRate"] = async (rate, once) => {
    for (let repeats = 0; ; repeats += 1) {
      const taken = await once();
      if (!mustKeepRate || keptRate(taken.run, rate)) return taken;
      const what = `${Math.round(taken.run.perSecond)}/s of ${rate}/s`;
      if (repeats === REPEATS_MAX) throw new RateNotReached(`not reached: ${what}, ${repeats + 1} times`);
      log(`discarded, repeated: ${what}`);
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
