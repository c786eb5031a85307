// The door's replication: replicas' requests for the log go to sqld, wait for news and share answers.
import type { Position } from "../../../../db/database.ts";
import type { Life, Lives } from "../lives.ts";
import type { Metric } from "../metric.ts";
import type { News } from "../news.ts";
import { type HeldRequests, openHeldRequests } from "./held-requests.ts";
import { openLogRequests } from "./log-requests.ts";
import { openSharedAnswers, type SharedAnswers } from "./shared-answers.ts";
import { openSnapshots, type Snapshots } from "./snapshots.ts";
import { askSqld, type ReplicaRequest, readReplicaRequest } from "./sqld-requests.ts";

export type Replication = {
  /**
   * Answers a replica, whose token was checked, and whose body is in memory. The connection is closed without an answer when the
   * request's signal is aborted, and when sqld ends or does not answer.
   */
  handle(request: Request, path: string): Promise<Response>;
  /** A node says that a client waits for a version: what is held goes within 50 ms. */
  waiting(position: Position): void;
  metrics(): Metric[];
  /** Ends what is held. */
  close(): void;
};

export type ReplicationOptions = {
  lives: Lives;
  news: News;
  /** A clock in milliseconds that does not go back. */
  now?: () => number;
};

const SERVICE = "/wal_log.ReplicationLog/";

/** Opens replication; it sets what `news` calls. */
export function openReplication({
  lives,
  news,
  now = () => performance.now(),
}: ReplicationOptions): Replication {
  const held = openHeldRequests(news, now);
  const shared = openSharedAnswers(news);
  const snapshots = openSnapshots();
  const closing = new AbortController();
  const answerLogRequest = openLogRequests({ held, shared, news, now });

  const answerTo = async (life: Life, request: ReplicaRequest, end: AbortSignal): Promise<Response> => {
    const method = request.path.slice(SERVICE.length);
    if (method === "Snapshot") return await snapshots.open(life, request, end);
    const isForLog = method === "BatchLogEntries";
    const { body, status, headers } = await (isForLog
      ? answerLogRequest(life, request, end)
      : askSqld(life, request));
    end.throwIfAborted();
    return new Response(body, { status, headers });
  };

  return {
    async handle(request, path) {
      const isKnown = ["Hello", "BatchLogEntries", "Snapshot"].some((method) => path === SERVICE + method);
      if (!isKnown || request.method !== "POST")
        return new Response("there is nothing at this path", { status: 404 });
      const life = lives.current();
      if (!life) return closeConnection();
      const end = AbortSignal.any([life.ended, request.signal, closing.signal]);
      try {
        const asked = await readReplicaRequest(request, path);
        if (!asked) return new Response("the request is too long", { status: 413 });
        return await answerTo(life, asked, end);
      } catch {
        return closeConnection();
      }
    },
    waiting: () => held.wish(),
    metrics: () => metricsOf(held, shared, snapshots),
    close() {
      closing.abort();
      held.close();
    },
  };
}

function metricsOf(held: HeldRequests, shared: SharedAnswers, snapshots: Snapshots): Metric[] {
  const gauge = (name: string, help: string, value: number): Metric => ({ name, help, type: "gauge", value });
  const counter = (name: string, help: string, value: number): Metric => ({
    name,
    help,
    type: "counter",
    value,
  });
  const { releases, wishes, gapMs, turnaroundMs } = held.state();
  const { asked, taken, merged, keptBytes } = shared.state();
  return [
    gauge("held_requests", "Requests of replicas that wait for news or for a release.", held.size()),
    counter("releases_total", "Releases of held requests after news.", releases),
    counter("wishes_total", "Times that a node said that a client waits for a version.", wishes),
    gauge("release_gap_seconds", "The gap between two releases.", gapMs / 1_000),
    gauge(
      "turnaround_seconds",
      "How long replicas take from a release until they ask again.",
      turnaroundMs / 1_000,
    ),
    counter("log_requests_total", "Requests for the log that the door sent to sqld.", asked),
    counter("shared_answers_total", "Requests for the log that took the answer of another.", taken),
    counter("merged_commits_total", "Commits that replicas applied together with a later one.", merged),
    gauge("kept_answers_bytes", "Bytes of answers kept until the next commit.", keptBytes),
    gauge("snapshots_running", "Snapshots that are streamed.", snapshots.running()),
    gauge("snapshots_waiting", "Requests for a snapshot that wait.", snapshots.waiting()),
  ];
}

/** Ends the connection without an answer; a replica takes an answer without frames for "no news". */
const closeConnection = (): Response =>
  // Without a reason, which Bun would print.
  new Response(new ReadableStream({ start: (controller) => controller.error() }));
