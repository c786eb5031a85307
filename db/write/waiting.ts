// The writes that wait for a group: in the order they came, in turn between their sources, each refused at its deadline.
import type { Statement, Value, WriteResult } from "../database.ts";
import { DatabaseError, type DatabaseErrorKind } from "../errors.ts";

export type Waiter = {
  statements: Statement[];
  writeId: string | undefined;
  expiresAtMs: number;
  /** Writes of one source are taken in their order, and in turn with those of others. */
  source: unknown;
  /** Of its statements. */
  bytes: number;
  /** It was sent before, and may still arrive. */
  wasRetried: boolean;
  /** How it was sent before: `0` in groups only, more where it is taken alone (`Attempt`). */
  attempt: Attempt;
  resolve(results: WriteResult[]): void;
  reject(error: DatabaseError): void;
};

/**
 * A write goes in a group first (`0`). After a group that failed as a whole it goes alone (`1`), and once more, behind those that
 * wait by then, when it ran out of time alone (`2`).
 */
export type Attempt = 0 | 1 | 2;

/** What a group holds at most; a write that is larger goes alone. */
export type GroupBounds = { members: number; bytes: number };

const NUMBER_BYTES = 8;

/** What the statements and their values take, about: texts count by their characters. */
export const bytesOf = (statements: Statement[]): number =>
  statements.reduce((sum, { sql, args = [] }) => sum + args.reduce(addBytes, sql.length), 0);

function addBytes(sum: number, value: Value): number {
  if (typeof value === "string") return sum + value.length;
  return sum + (value instanceof Uint8Array ? value.byteLength : NUMBER_BYTES);
}

export type WaitingOptions = { now(): number; group: GroupBounds; lateKind: DatabaseErrorKind };

export type Waiting = {
  size(): number;
  add(waiter: Waiter): void;
  /** Puts writes that were not done before the others; those with an attempt alone wait for a turn of their own. */
  putBack(waiters: Waiter[]): void;
  /** Removes the next group and returns it; empty when no write waits. */
  take(): Waiter[];
  takeAll(): Waiter[];
};

/** Refuses a write; one that was sent before may still arrive. */
export const refuse = ({ wasRetried, reject }: Waiter, error: DatabaseError): void =>
  reject(wasRetried ? new DatabaseError("uncertain", error.message) : error);

/** Opens the waiting writes without one. */
export function openWaiting({ now, group, lateKind }: WaitingOptions): Waiting {
  const lines = openLines();
  let alone: Waiter[] = [];
  let last: Waiter[] = [];
  // Writes in the lines that go before the first of `last`.
  let ahead = 0;
  let wasAlone = false;

  const all = () => [...alone, ...lines.all(), ...last];
  const refuseLate = () => {
    const nowMs = now();
    const late = all().filter(({ expiresAtMs }) => expiresAtMs <= nowMs);
    if (late.length === 0) return;
    const isInTime = ({ expiresAtMs }: Waiter) => expiresAtMs > nowMs;
    lines.keep(isInTime);
    alone = alone.filter(isInTime);
    last = last.filter(isInTime);
    const error = new DatabaseError(lateKind, "the write waited too long");
    for (const waiter of late) refuse(waiter, error);
  };
  const alarm = openAlarm(now, () => {
    refuseLate();
    for (const { expiresAtMs } of all()) alarm.setFor(expiresAtMs);
  });
  const takeAlone = (): Waiter[] => {
    // In turn with groups: writes that go alone hold the others up by one commit each.
    if (!(wasAlone && lines.size() > 0)) {
      const [next] = alone.splice(0, 1);
      if (next) return [next];
    }
    if (last.length === 0 || (ahead > 0 && lines.size() > 0)) return [];
    ahead = lines.size();
    return last.splice(0, 1);
  };

  return {
    size: () => lines.size() + alone.length + last.length,
    add(waiter) {
      lines.add(waiter);
      alarm.setFor(waiter.expiresAtMs);
    },
    putBack(waiters) {
      lines.addFirst(waiters.filter(({ attempt }) => attempt === 0));
      for (const waiter of waiters) {
        alarm.setFor(waiter.expiresAtMs);
        if (waiter.attempt === 1) alone.push(waiter);
        if (waiter.attempt === 2 && last.push(waiter) === 1) ahead = lines.size();
      }
    },
    take() {
      refuseLate();
      const single = takeAlone();
      wasAlone = single.length > 0;
      if (wasAlone) return single;
      const taken = lines.take(group);
      ahead -= taken.length;
      return taken;
    },
    takeAll: () => [...alone.splice(0), ...lines.takeAll(), ...last.splice(0)],
  };
}

/** The lines of the sources, which are served in turn. */
function openLines() {
  // In the order of their next turns.
  let lines = new Map<unknown, Waiter[]>();
  let count = 0;
  const all = () => [...lines.values()].flat();
  const shift = ([source, line]: [unknown, Waiter[]]) => {
    line.shift();
    count -= 1;
    lines.delete(source);
    if (line.length > 0) lines.set(source, line);
  };

  return {
    size: () => count,
    all,
    add(waiter: Waiter): void {
      const line = lines.get(waiter.source);
      if (line) line.push(waiter);
      else lines.set(waiter.source, [waiter]);
      count += 1;
    },
    addFirst(waiters: Waiter[]): void {
      const rest = all();
      lines = Map.groupBy([...waiters, ...rest], ({ source }) => source);
      count = waiters.length + rest.length;
    },
    take({ members, bytes }: GroupBounds): Waiter[] {
      const group: Waiter[] = [];
      let taken = 0;
      for (let [first] = lines; first && group.length < members; [first] = lines) {
        const [waiter] = first[1];
        taken += waiter?.bytes ?? 0;
        if (waiter === undefined || (group.length > 0 && taken > bytes)) break;
        group.push(waiter);
        shift(first);
      }
      return group;
    },
    keep(isKept: (waiter: Waiter) => boolean): void {
      const kept = all().filter(isKept);
      lines = Map.groupBy(kept, ({ source }) => source);
      count = kept.length;
    },
    takeAll(): Waiter[] {
      const waiters = all();
      lines.clear();
      count = 0;
      return waiters;
    },
  };
}

/** Calls back once the earliest of the times that were set has come. */
function openAlarm(now: () => number, ring: () => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let atMs = Number.POSITIVE_INFINITY;
  return {
    setFor(timeMs: number): void {
      if (timeMs >= atMs) return;
      clearTimeout(timer);
      atMs = timeMs;
      timer = setTimeout(
        () => {
          atMs = Number.POSITIVE_INFINITY;
          ring();
        },
        Math.max(1, timeMs - now()),
      );
      // Does not keep the process alive.
      timer.unref();
    },
  };
}
