// The requests under way, each with its token, which may stop being valid while they wait.
import type { Tokens } from "./tokens.ts";

type Guest = {
  /** Aborted when the client has gone, the token is valid no more, or the door ends. */
  gone: AbortSignal;
  /** The request is answered. */
  leave(): void;
};

export type Guests = {
  /** `isHeld`: the request only waits for news, so the end of the door ends it. */
  enter(request: Request, token: string, isHeld: boolean): Guest;
  /** Ends the requests whose token is valid no more. */
  sweep(): void;
  endHeld(): void;
  count(): number;
};

/** Opens the list, which looks at the tokens every `sweepMs` while there are requests. */
export function openGuests(tokens: Pick<Tokens, "check">, sweepMs: number): Guests {
  const guests = new Map<AbortController, { token: string; isHeld: boolean }>();
  let sweeping: ReturnType<typeof setInterval> | undefined;

  const sweep = () => {
    for (const [ending, { token }] of guests) if ("fault" in tokens.check(token)) ending.abort();
  };
  return {
    enter(request, token, isHeld) {
      const ending = new AbortController();
      const hangUp = () => ending.abort();
      request.signal.addEventListener("abort", hangUp);
      guests.set(ending, { token, isHeld });
      sweeping ??= setInterval(sweep, sweepMs);
      return {
        gone: ending.signal,
        leave() {
          request.signal.removeEventListener("abort", hangUp);
          guests.delete(ending);
          if (guests.size > 0) return;
          clearInterval(sweeping);
          sweeping = undefined;
        },
      };
    },
    sweep,
    endHeld() {
      for (const [ending, { isHeld }] of guests) if (isHeld) ending.abort();
    },
    count: () => guests.size,
  };
}
