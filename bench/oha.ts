// The load generator: where oha is, how it is told what to send, and whether a run of it counts.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Children } from "./children.ts";

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
  cores: readonly number[] | null;
};

/** A bearer token, and a JSON body. */
export type Post = { token?: string; body?: string };

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
export function ohaArguments({ target, connections, seconds, rate, encoding, post }: Load): string[] {
  const pace = rate === null ? [] : ["-q", String(rate), "--latency-correction"];
  return [
    ...["--no-tui", "--output-format", "json", "--disable-compression", "--worker-threads", "1"],
    ...["-c", String(connections), "-z", `${seconds}s`, "-t", `${REQUEST_SECONDS_MAX}s`],
    ...pace,
    ...(post ? ["-m", "POST"] : []),
    ...(post?.token === undefined ? [] : ["-H", `authorization: Bearer ${post.token}`]),
    ...(post?.body === undefined ? [] : ["-T", "application/json", "-d", post.body]),
    ...["-H", `accept-encoding: ${encoding}`],
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
export function faultOf({ answers, statuses, errors }: Run): string | null {
  const bad = Object.entries(statuses).filter(([status]) => !/^2\d\d$|^304$/.test(status));
  const what = [
    ...bad.map(([status, count]) => `${count} answers ${status}`),
    ...Object.entries(errors).map(([error, count]) => `${count} times ${error}`),
  ];
  if (what.length > 0) return what.join(", ");
  return answers === 0 ? "not one answer" : null;
}

/** Whether a run kept up with its rate. */
export const keptRate = ({ perSecond }: Run, rate: number | null): boolean =>
  rate === null || perSecond >= rate * RATE_SHARE_MIN;

/** The load generator of one bench. */
export type Oha = {
  version: string;
  /** Sends a load once; throws when an answer was bad. */
  send(load: Load): Promise<Run>;
  /**
   * Sends a load and takes a reading around it; a run that fell behind its rate is thrown away and repeated, twice at
   * most, after which it throws.
   */
  measure<T>(
    load: Load,
    around: (send: () => Promise<Run>) => Promise<T & { run: Run }>,
  ): Promise<T & { run: Run }>;
  /** The commands so far, without repetitions. */
  commands(): string[];
};

/** Opens oha; `say` is told of runs that are thrown away. Where rates need not be kept, slow runs count. */
export async function openOha(
  path: string,
  children: Children,
  { mustKeepRate, say }: { mustKeepRate: boolean; say: (line: string) => void },
): Promise<Oha> {
  const commands = new Set<string>();
  const version = (
    await children.expectEnd(children.run([path, "--version"], { cores: null }), SPARE_MS)
  ).trim();
  const send = async (load: Load): Promise<Run> => {
    const child = children.run([path, ...ohaArguments(load)], { cores: load.cores });
    commands.add(commandOf(load));
    const run = readReport(await children.expectEnd(child, load.seconds * 1_000 + SPARE_MS));
    const fault = faultOf(run);
    if (fault !== null) throw new Error(`invalid run, ${fault}: ${commandOf(load)}`);
    return run;
  };
  return {
    version,
    send,
    async measure(load, around) {
      for (let repeats = 0; ; repeats += 1) {
        const taken = await around(() => send(load));
        if (!mustKeepRate || keptRate(taken.run, load.rate)) return taken;
        const what = `${Math.round(taken.run.perSecond)}/s of ${load.rate}/s`;
        if (repeats === REPEATS_MAX) throw new Error(`invalid run, ${what} after ${repeats} repetitions`);
        say(`thrown away, repeated: ${what}`);
      }
    },
    commands: () => [...commands],
  };
}

/** The command as one would type it; ports and temporary folders are different every time. */
function commandOf(load: Load): string {
  const pin = load.cores === null ? "" : `taskset -c ${load.cores.join(",")} `;
  const words = ohaArguments(load).map((word) =>
    /[\s:]/.test(word) && !word.startsWith("http") ? `"${word}"` : word,
  );
  return `${pin}oha ${words.join(" ")}`
    .replace(/127\.0\.0\.1:\d+/, "127.0.0.1:PORT")
    .replace(/\S+\/([\w-]+\.urls)/, "$1");
}
