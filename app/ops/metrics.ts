// Metrics for Prometheus: the services' counts in its text format. The first request loads its client library.
import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Database } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import type { Turns } from "../../db/read/turns.ts";
import { OUTAGE_REASONS } from "../../db/write/outage.ts";
import type { Cache } from "../cache/cache.ts";
import type { Limits } from "../limits/limits.ts";
import { BUCKET_SECONDS, type Counters, type Series } from "./counters.ts";
import type { Define, Put } from "./define.ts";
import { defineMails, type MailServices } from "./mail-metrics.ts";
import { definePayments, type PaymentState } from "./payment-metrics.ts";
import type { Status } from "./status.ts";

export type MetricServices = MailServices & {
  db: Pick<Database, "writeQueue">;
  cache: Pick<Cache, "state">;
  passwords: { state(): { running: number; waiting: number; waitingKnown: number; refused: number } };
  loginThrottle: { state(): { lines: number; waiting: number; refused: number } };
  limits: Pick<Limits, "state">;
  /** The turns of lists at the read worker, and those of public reads at the primary. */
  turns: Record<"wide" | "primary", Pick<Turns, "state">>;
  status: Status;
  counters: Counters;
  /** `null` where the shop takes no cards. */
  payments: { state(): PaymentState | null };
};

/** Exists on Linux only; elsewhere the metric is left out. */
const DESCRIPTORS = "/proc/self/fd";
const DELAY_RESOLUTION_MS = 20;
const DELAYS = { p50: 50, p99: 99, max: 100 };
const NANOSECONDS = 1e9;

export type Metrics = { write(): Promise<{ body: string; contentType: string }> };

/** Opens the metrics. Delays of the event loop are measured from the first call on, each time since the previous call. */
export function openMetrics(services: MetricServices): Metrics {
  let opening: Promise<Registry> | undefined;
  return {
    async write() {
      opening ??= openRegistry(services);
      const registry = await opening;
      return { body: await registry.metrics(), contentType: registry.contentType };
    },
  };
}

async function openRegistry(services: MetricServices): Promise<Registry> {
  const client = await import("prom-client");
  const registry = new client.Registry();
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  const define: Define = {
    counter: (name, help, labelNames, collect) =>
      new client.Counter({ name, help, labelNames, registers: [registry], collect: filledBy(collect) }),
    gauge: (name, help, labelNames, collect) =>
      new client.Gauge({ name, help, labelNames, registers: [registry], collect: filledBy(collect) }),
  };
  const durations = new client.Histogram({
    name: "insole_http_request_duration_seconds",
    help: "Time to answer requests that the memory cache did not answer at once",
    labelNames: ["route", "method", "status"],
    buckets: [...BUCKET_SECONDS],
    registers: [registry],
  });
  writeFrom(durations, () => services.counters.state().series);
  defineRequests(define, services);
  defineStores(define, services);
  defineSignIns(define, services);
  defineTurns(define, services);
  definePayments(define, services.payments);
  defineMails(define, services);
  defineProcess(define, services.status, delay);
  return registry;
}

type Delay = ReturnType<typeof monitorEventLoopDelay>;
/** A metric that stores no value: each scrape resets and fills it. */
const filledBy = (collect: (put: Put) => void) =>
  function (this: Counter | Gauge): void {
    this.reset();
    collect((value, labels = {}) => this.inc(labels, value));
  };

/** Replaces the histogram's getter: the client library counts buckets itself and accepts no counted ones. */
function writeFrom(histogram: Histogram, read: () => Series[]): void {
  const name = "insole_http_request_duration_seconds";
  const valuesOf = ({ route, method, status, buckets, sumSeconds, count }: Series) => {
    const labels = { route, method, status };
    let below = 0;
    const lines = [...BUCKET_SECONDS, "+Inf" as const].map((le, index) => {
      below += must(buckets[index], "a bucket");
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
    });
    return [
      ...lines,
      { metricName: `${name}_sum`, labels, value: sumSeconds },
      { metricName: `${name}_count`, labels, value: count },
    ];
  };
  const get = async () => ({ ...(await head), values: read().flatMap(valuesOf) });
  const head = histogram.get();
  Object.assign(histogram, { get, getForPromString: get });
}

function defineRequests({ counter }: Define, { counters, limits }: MetricServices): void {
  counter(
    "insole_http_requests_total",
    "Requests answered; the route of those that the memory cache answered at once is `cached`, the status of those whose client closed the connection before the answer is `499`",
    ["route", "method", "status"],
    (put) => {
      const { memory, series } = counters.state();
      put(memory.answered, { route: "cached", method: "GET", status: "2xx" });
      put(memory.notModified, { route: "cached", method: "GET", status: "3xx" });
      for (const { route, method, status, count } of series) put(count, { route, method, status });
    },
  );
  counter("insole_cache_answers_total", "Answers of the catalogue by their source", ["kind"], (put) => {
    for (const [kind, count] of Object.entries(counters.state().cache)) put(count, { kind });
  });
  counter(
    "insole_versioned_reads_total",
    "Reads with a version by where it was found: here at once, here after a wait, at the primary, or nowhere in time",
    ["source"],
    (put) => {
      for (const [source, count] of Object.entries(counters.state().versioned)) put(count, { source });
    },
  );
  counter("insole_registrations_total", "Accounts registered", [], (put) =>
    put(counters.state().events.registrations),
  );
  counter("insole_logins_total", "Logins by outcome", ["outcome"], (put) => {
    const { logins, login_failures } = counters.state().events;
    put(logins, { outcome: "done" });
    put(login_failures, { outcome: "refused" });
  });
  counter("insole_orders_total", "Orders acknowledged, repeats counted once each", [], (put) =>
    put(counters.state().events.orders),
  );
  counter("insole_likes_total", "Likes acknowledged, repeats and merged lists counted once each", [], (put) =>
    put(counters.state().events.likes),
  );
  counter("insole_rate_limited_total", "Requests refused at a limit", [], (put) =>
    put(limits.state().refused),
  );
}

function defineStores({ counter, gauge }: Define, { db, cache, limits }: MetricServices): void {
  gauge("insole_cache_bytes", "Bytes that cached answers take", [], (put) => put(cache.state().bytes));
  gauge("insole_cache_entries", "Cached answers", [], (put) => put(cache.state().entries));
  // The names keep the write queue's former name for existing dashboards.
  gauge("insole_write_door_queued", "Writes that wait for their commit", [], (put) =>
    put(db.writeQueue().queued),
  );
  gauge("insole_write_door_group_size", "Writes in the last commit", [], (put) =>
    put(db.writeQueue().groupSize),
  );
  gauge("insole_write_door_commit_seconds", "How long the last commit took", [], (put) =>
    put(db.writeQueue().lastCommitMs / 1_000),
  );
  gauge(
    "insole_write_door_breaker_open",
    "1 while writes are refused because commits keep failing",
    [],
    (put) => put(db.writeQueue().breaker === "open" ? 1 : 0),
  );
  counter("insole_write_door_commits_total", "Commits", [], (put) => put(db.writeQueue().commits));
  counter("insole_write_door_commit_seconds_total", "How long all commits took together", [], (put) =>
    put(db.writeQueue().commitMsTotal / 1_000),
  );
  counter("insole_write_door_writes_total", "Writes in all commits", [], (put) =>
    put(db.writeQueue().members),
  );
  counter(
    "insole_write_failures_total",
    "Writes that were not done because of the machine, by reason: a full disk, a read-only file, an I/O error",
    ["reason"],
    (put) => {
      const { failures } = db.writeQueue();
      for (const reason of OUTAGE_REASONS) put(failures[reason] ?? 0, { reason });
    },
  );
  gauge("insole_writes_failing", "1 while the machine fails writes", [], (put) =>
    put(db.writeQueue().outage === null ? 0 : 1),
  );
  gauge("insole_limited_clients", "Clients whose requests are counted", [], (put) =>
    put(limits.state().clients),
  );
}

function defineSignIns({ counter, gauge }: Define, { passwords, loginThrottle }: MetricServices): void {
  gauge(
    "insole_passwords",
    "Password operations that run, that wait, and that wait for clients who signed in before",
    ["state"],
    (put) => {
      const { running, waiting, waitingKnown } = passwords.state();
      put(running, { state: "running" });
      put(waiting, { state: "waiting" });
      put(waitingKnown, { state: "waiting_known" });
    },
  );
  gauge("insole_login_lines", "Accounts with an attempt to sign in under way", [], (put) =>
    put(loginThrottle.state().lines),
  );
  gauge(
    "insole_login_attempts_waiting",
    "Attempts that wait for another one at the same account",
    [],
    (put) => put(loginThrottle.state().waiting),
  );
  counter(
    "insole_sign_ins_refused_total",
    "Sign-ins and registrations refused because too many waited, at one account or for hashing",
    ["place"],
    (put) => {
      put(loginThrottle.state().refused, { place: "account" });
      put(passwords.state().refused, { place: "hashing" });
    },
  );
}

function defineTurns({ counter, gauge }: Define, { turns }: MetricServices): void {
  gauge("insole_wide_reads", "Lists that are computed, and that wait for their turn", ["state"], (put) => {
    const { running, waiting } = turns.wide.state();
    put(running, { state: "running" });
    put(waiting, { state: "waiting" });
  });
  gauge("insole_wide_read_clients", "Clients whose lists wait for their turn", [], (put) =>
    put(turns.wide.state().clients),
  );
  counter(
    "insole_wide_reads_refused_total",
    "Lists refused because too many waited, or too long",
    [],
    (put) => put(turns.wide.state().refused),
  );
  gauge(
    "insole_primary_reads",
    "Public reads that the primary answers, and that wait for their turn",
    ["state"],
    (put) => {
      const { running, waiting } = turns.primary.state();
      put(running, { state: "running" });
      put(waiting, { state: "waiting" });
    },
  );
}

function defineProcess({ gauge }: Define, status: Status, delay: Delay): void {
  gauge("insole_info", "The running version", ["version"], (put) =>
    put(1, { version: status.health().version }),
  );
  gauge("insole_ready", "1 while the process is ready for traffic", [], (put) =>
    put(status.readiness().isReady ? 1 : 0),
  );
  gauge("insole_replica_lag_seconds", "Time since the replica was last known to be up to date", [], (put) =>
    put(status.health().lagMs / 1_000),
  );
  gauge("insole_seq", "The newest change this process knows", [], (put) => put(status.health().seq));
  gauge("insole_uptime_seconds", "Seconds since the start", [], (put) => put(status.health().uptimeSeconds));
  gauge(
    "insole_event_loop_delay_seconds",
    "Delay of the event loop since the previous scrape",
    ["quantile"],
    (put) => {
      for (const [quantile, percent] of Object.entries(DELAYS))
        put(delay.count === 0 ? 0 : delay.percentile(percent) / NANOSECONDS, { quantile });
      delay.reset();
    },
  );
  gauge("insole_memory_bytes", "Memory of the process", ["kind"], (put) => {
    const { rss, heapUsed } = process.memoryUsage();
    put(rss, { kind: "resident" });
    put(heapUsed, { kind: "heap" });
  });
  gauge("insole_open_descriptors", "Open files and sockets", [], (put) => {
    const count = countDescriptors();
    if (count !== null) put(count);
  });
}

function countDescriptors(): number | null {
  try {
    return readdirSync(DESCRIPTORS).length;
  } catch {
    return null;
  }
}
