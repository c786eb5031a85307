// Turns at the read worker: a few computations at a time, round robin between clients, each after a bounded wait.
import type { Readable } from "../database.ts";
import { must } from "../must.ts";
import { openLines } from "./lines.ts";
import { type Clock, openPlace, type Place } from "./place.ts";
import type { Requesters } from "./requesters.ts";

/** For operators: computations that run and that wait, the clients that wait, and requests refused since the start. */
export type TurnState = { running: number; waiting: number; clients: number; refused: number };

export type Turns = {
  /**
   * Runs `work` when its turn has come. Rejects with what `work` rejects with, and before when no request waits any longer:
   * `overloaded` where the last one was refused, `abandoned` where its client has gone.
   */
  run<T>(requesters: Requesters, work: () => Promise<T>): Promise<T>;
  /** The same for reads of `db`: the turn is taken at the first wide query of `work`, and ends with `work`. */
  runReads<T>(requesters: Requesters, db: Readable, work: (db: Readable) => Promise<T>): Promise<T>;
  /** The clock by which requesters state how long they wait. */
  now(): number;
  state(): TurnState;
};

type TurnOptions = {
  /** Computations that run at once. */
  runningMax: number;
  /** Computations that wait; beyond them the newest one of the client with the most is refused. */
  waitingMax: number;
  clock?: Clock;
};

const CLOCK: Clock = {
  now: performance.now.bind(performance),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Runs everything at once. */
export const WITHOUT_TURNS: Pick<Turns, "runReads"> = { runReads: (_, db, work) => work(db) };

/** Opens the turns of one read worker. */
export function openTurns({ runningMax, waitingMax, clock = CLOCK }: TurnOptions): Turns {
  const lines = openLines<Place>();
  const state = { running: 0, waiting: 0, refused: 0 };

  const beginNext = () => {
    while (state.running < runningMax) {
      const next = lines.next();
      if (next === undefined) return;
      next.begin();
    }
  };
  const end = () => {
    state.running -= 1;
    beginNext();
  };
  const wait = (requesters: Requesters): Promise<void> => {
    const turn = Promise.withResolvers<void>();
    state.waiting += 1;
    openPlace({
      requesters,
      lines,
      clock,
      onRefusal() {
        state.refused += 1;
      },
      onEnd(error) {
        state.waiting -= 1;
        if (error) return turn.reject(error);
        state.running += 1;
        turn.resolve();
      },
    });
    while (state.waiting > waitingMax) {
      const { client, newest } = must(lines.longest(), "a line");
      newest.giveUp(client);
    }
    return turn.promise;
  };
  const take = async (requesters: Requesters): Promise<void> => {
    if (state.running < runningMax) state.running += 1;
    else await wait(requesters);
  };

  return {
    async run(requesters, work) {
      await take(requesters);
      return work().finally(end);
    },
    async runReads(requesters, db, work) {
      let turn: Promise<void> | undefined;
      const inTurn: Readable = {
        get read() {
          return db.read;
        },
        async scan(queries) {
          turn ??= take(requesters);
          await turn;
          return db.scan(queries);
        },
      };
      try {
        return await work(inTurn);
      } finally {
        turn?.then(end, () => undefined);
      }
    },
    now: clock.now,
    state: () => ({ ...state, clients: lines.clients() }),
  };
}
