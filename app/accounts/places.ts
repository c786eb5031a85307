// Places to wait in, bounded in number and time; who is next is decided by the turns of each line.
import { Problem } from "../http/problems.ts";
import { leastEntitled, type Turns, type Waiting } from "./turns.ts";

/** Calls `act` after some milliseconds, unless the returned function is called before. */
export type Timer = (ms: number, act: () => void) => () => void;

export const realTimer: Timer = (ms, act) => {
  const timeout = setTimeout(act, ms);
  return () => clearTimeout(timeout);
};

/** A client in front of a line. */
export type Visitor = Waiting & {
  /** Ends the wait: with its reason when that is a `Problem`, else with the refusal of the line. */
  signal: AbortSignal | null;
};

type Place = Waiting & { line: Turns; call(): void; refuse(): void };

type PlaceOptions = {
  /** All places, and those of one address in one line. */
  placesMax: number;
  addressMax?: number;
  /** The longest wait, in milliseconds. */
  waitMsMax?: number;
  timer?: Timer;
};

/** Places of one or several lines. */
export type Places = {
  /**
   * Waits for a turn in a line. Throws what `refusal` returns when the wait is too long or the place goes to another one.
   */
  wait(line: Turns, visitor: Visitor, refusal: () => Problem): Promise<void>;
  /** Gives the next one in the line its turn; returns whether there was one. */
  callNext(line: Turns): boolean;
  /** How many wait in a line. */
  lengthOf(line: Turns): number;
  /** Refuses all that wait, and from now on everybody who would have to. */
  close(): void;
  /** How many wait, how many of them are known, and how many were refused since the start. */
  state(): { waiting: number; waitingKnown: number; refused: number };
};

/** Opens the places; all are free. */
export function openPlaces(options: PlaceOptions): Places {
  const { placesMax, addressMax = placesMax, waitMsMax, timer = realTimer } = options;
  const places: Place[] = [];
  let refused = 0;
  let isClosed = false;

  /** Refuses one where a newcomer made too many: of its own line and address, or of all. */
  const makeRoom = ({ line, address }: Place): void => {
    const own = places.filter((each) => each.line === line && each.address === address);
    if (own.length > addressMax) leastEntitled(own)?.refuse();
    else if (places.length > placesMax) leastEntitled(places)?.refuse();
  };

  return {
    wait(line, { signal, ...who }, refusal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const leave = () => {
        places.splice(places.indexOf(place), 1);
        cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      const place: Place = {
        ...who,
        line,
        call() {
          leave();
          resolve();
        },
        refuse() {
          leave();
          refused += 1;
          reject(refusal());
        },
      };
      const onAbort = () => {
        if (!(signal?.reason instanceof Problem)) return place.refuse();
        leave();
        reject(signal.reason);
      };
      const cancel = waitMsMax === undefined ? () => undefined : timer(waitMsMax, place.refuse);
      places.push(place);
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) onAbort();
      else if (isClosed) place.refuse();
      else makeRoom(place);
      return promise;
    },
    callNext(line) {
      const next = line.next(places.filter((each) => each.line === line));
      next?.call();
      return next !== undefined;
    },
    lengthOf: (line) => places.filter((each) => each.line === line).length,
    close() {
      isClosed = true;
      for (const place of [...places]) place.refuse();
    },
    state: () => ({
      waiting: places.length,
      waitingKnown: places.filter(({ isKnown }) => isKnown).length,
      refused,
    }),
  };
}
