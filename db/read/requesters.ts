// The requests that share one computation: each may be refused, or leave, while the others go on waiting.
import { DatabaseError } from "../errors.ts";

/** A request that waits for a computation. Its properties are read only when the computation has to wait for its turn. */
export type Requester = {
  /** Clients take turns; requests of one client wait for each other. Empty: unknown, and all unknown ones are one client. */
  readonly client: string;
  /** Aborted when the client has gone; `null` where that is not known. */
  readonly signal: AbortSignal | null;
  /** When it is refused unless its computation has begun, on the clock of the turns. */
  readonly untilMs: number;
};

/** A request among those that share the computation. `refuse` rejects what `add` returned for it. */
export type Member = { requester: Requester; refuse(error: DatabaseError): void };

/** The requests of one computation; more may join until it is closed. */
export type Requesters = {
  /** Adds a request. The result never resolves; it rejects when this request is refused before the computation begins. */
  add(requester: Requester): Promise<never>;
  members(): readonly Member[];
  /** Sets what is called with each member that joins from now on; `null`: nothing. */
  onJoin(callback: ((member: Member) => void) | null): void;
  /** Nobody waits for the computation any longer: it will not run, and no request may join it. */
  close(): void;
  isClosed(): boolean;
};

/** A request of which nothing is known: it waits as long as it must. */
export const UNKNOWN: Requester = { client: "", signal: null, untilMs: Number.POSITIVE_INFINITY };

/** Opens the requests of a new computation, beginning with these. */
export function openRequesters(): Requesters {
  const members: Member[] = [];
  let callback: ((member: Member) => void) | null = null;
  let closed = false;
  return {
    add(requester) {
      if (closed) return Promise.reject(new DatabaseError("overloaded", "the computation was given up"));
      const refused = Promise.withResolvers<never>();
      // Refused requests whose client has gone have no other handler.
      refused.promise.catch(() => undefined);
      const member = { requester, refuse: refused.reject };
      members.push(member);
      callback?.(member);
      return refused.promise;
    },
    members: () => members,
    onJoin(next) {
      callback = next;
    },
    close() {
      closed = true;
    },
    isClosed: () => closed,
  };
}
