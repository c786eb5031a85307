// The settlement: every second it finds the requests to the gateway that are due, and performs each under its lease.
import type { Database } from "../../../db/database.ts";
import { messageOf } from "../../../db/message.ts";
import { readIfAny } from "../../../db/read/local.ts";
import { openSparseLog } from "../../log.ts";
import { type OutcomeCount, openOutcomes } from "../../ops/outcomes.ts";
import { countWaiting, type DueRequest, findDue } from "./due.ts";
import { type Outcome, performUnderLease, type RequestServices } from "./requests.ts";
import { type Ending, settleUnsettled } from "./unsettled.ts";

/** Between two looks at the requests that are due. */
const EVERY_MS = 1_000;
/** Requests that one process has under way: each may take as long as the gateway's deadline. */
const UNDERWAY_MAX = 16;
/** A look sees more than it may start, because other processes may have some of them. */
const SEEN_MAX = 4 * UNDERWAY_MAX;

/** The requests that this process performed, by kind and outcome, and how many wait. */
export type SettlementState = {
  settled: OutcomeCount[];
  underway: number;
  /** `null` while there is no copy to read. */
  waiting: { requests: number; orders: number } | null;
};

export type Settlement = {
  /** Begins to look for due requests. */
  start(): void;
  /** Looks once, and resolves when all that is under way is done. Never rejects. */
  run(): Promise<void>;
  state(): SettlementState;
  /** Looks no more, and resolves when all that is under way is done. */
  close(): Promise<void>;
};

/** Opens the settlement of a process. */
export function openSettlement(given: RequestServices, everyMs = EVERY_MS): Settlement {
  const services = { ...given, log: openSparseLog(given.log, given.now) };
  const { db, now, log } = services;
  const underway = new Map<string, Promise<void>>();
  const settled = openOutcomes();
  /** Requests that another process has, by the time at which they were seen to be due: a replica shows that late. */
  let leased = new Map<string, number>();
  let timer: ReturnType<typeof setInterval> | undefined;

  const settle = async (due: DueRequest) => {
    try {
      const outcome = await perform(services, due);
      if (outcome === "leased") leased.set(due.key, due.dueAt);
      else settled.add(due.kind, outcome);
    } catch (thrown) {
      log.warn("a payment could not be settled", { order: due.number, error: messageOf(thrown) });
    } finally {
      underway.delete(due.key);
    }
  };

  const look = () => {
    try {
      const found = findDue(db, now(), SEEN_MAX);
      const seen = found.filter(({ key, dueAt }) => leased.get(key) === dueAt);
      leased = new Map(seen.map(({ key, dueAt }) => [key, dueAt]));
      for (const due of found) {
        if (underway.size >= UNDERWAY_MAX) return;
        if (!underway.has(due.key) && !leased.has(due.key)) underway.set(due.key, settle(due));
      }
    } catch (thrown) {
      // A node has nothing to read while its replica is made again.
      log.warn("the due payments could not be read", { error: messageOf(thrown) });
    }
  };
  const done = async () => {
    while (underway.size > 0) await Promise.all(underway.values());
  };

  return {
    start() {
      timer = setInterval(look, everyMs);
    },
    async run() {
      look();
      await done();
    },
    state: () => ({ settled: settled.all(), underway: underway.size, waiting: waitingIn(db) }),
    async close() {
      clearInterval(timer);
      await done();
    },
  };
}

/** What waits, in the local copy; `null` while there is none. */
export const waitingIn = (db: Database): SettlementState["waiting"] => readIfAny(() => countWaiting(db));

const perform = (services: RequestServices, due: DueRequest): Promise<Ending | Outcome> =>
  due.kind === "authorise" ? settleUnsettled(services, due) : performUnderLease(services, due);
