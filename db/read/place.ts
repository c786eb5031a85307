// The place of one computation among those that wait for a turn, held by the requests that share it.
import { DatabaseError } from "../errors.ts";
import type { Lines } from "./lines.ts";
import type { Member, Requesters } from "./requesters.ts";

/** A clock in milliseconds with its alarm: `after` calls back once, unless the returned function is called before. */
export type Clock = { now(): number; after(ms: number, callback: () => void): () => void };

/** A computation that waits: it stands in the line of every client that requests it. */
export type Place = {
  /** Ends the wait, because the turn has come; a computation whose requests are all late is refused. */
  begin(): void;
  /** Takes it out of this client's line; without another line all its requests are refused. */
  giveUp(client: string): void;
};

type PlaceOptions = {
  requesters: Requesters;
  lines: Lines<Place>;
  clock: Clock;
  /** Called at the end of the wait: with `undefined` when the turn has come, else with the error. */
  onEnd(error?: DatabaseError): void;
  /** Called for each request that is refused. */
  onRefusal(): void;
};

const tooMany = () => new DatabaseError("overloaded", "too many are waiting");
const tooLate = () => new DatabaseError("overloaded", "it waited too long for its turn");
const gone = () => new DatabaseError("abandoned", "the client has gone");

/** Opens the place; it ends at once where all its clients have gone already. */
export function openPlace({ requesters, lines, clock, onEnd, onRefusal }: PlaceOptions): Place {
  const waiting = new Map<Member, { client: string; stop(): void }>();
  // Of the clients in whose line it stands.
  const membersOf = new Map<string, number>();

  const end = (error?: DatabaseError) => {
    requesters.onJoin(null);
    for (const { stop } of waiting.values()) stop();
    waiting.clear();
    for (const client of membersOf.keys()) lines.remove(client, place);
    onEnd(error);
  };
  /** `error` is that of the computation, `refusal` that of its requests which still wait. */
  const drop = (error: DatabaseError, refusal: DatabaseError) => {
    requesters.close();
    for (const { refuse } of waiting.keys()) {
      onRefusal();
      refuse(refusal);
    }
    end(error);
  };
  const giveUp = (client: string, error: DatabaseError) => {
    membersOf.delete(client);
    lines.remove(client, place);
    // Requests that still wait are of clients whose lines were too long.
    if (membersOf.size === 0) drop(error, tooMany());
  };
  const leave = (member: Member, error: DatabaseError) => {
    const left = waiting.get(member);
    if (left === undefined) return;
    left.stop();
    waiting.delete(member);
    member.refuse(error);
    // None where this client's line was given up before.
    const members = membersOf.get(left.client) ?? 0;
    if (members === 1) giveUp(left.client, error);
    else if (members > 1) membersOf.set(left.client, members - 1);
  };
  const add = (member: Member) => {
    const { client } = member.requester;
    const onGone = () => leave(member, gone());
    const onLate = () => {
      onRefusal();
      leave(member, tooLate());
    };
    waiting.set(member, { client, stop: watch(member, clock, { onLate, onGone }) });
    const members = membersOf.get(client) ?? 0;
    membersOf.set(client, members + 1);
    if (members === 0) lines.add(client, place);
  };

  const place: Place = {
    begin() {
      // Alarms are late while this thread is busy.
      const nowMs = clock.now();
      if ([...waiting.keys()].every(({ requester }) => requester.untilMs <= nowMs))
        drop(tooLate(), tooLate());
      else end();
    },
    giveUp: (client) => giveUp(client, tooMany()),
  };
  for (const member of requesters.members()) add(member);
  requesters.onJoin((member) => {
    add(member);
    if (isGone(member)) leave(member, gone());
  });
  for (const member of requesters.members().filter(isGone)) leave(member, gone());
  return place;
}

const isGone = ({ requester }: Member): boolean => requester.signal?.aborted ?? false;

type Events = { onLate(): void; onGone(): void };

/** Calls back when the request is late or its client has gone, until the returned function is called. */
function watch({ requester }: Member, clock: Clock, { onLate, onGone }: Events): () => void {
  const { signal, untilMs } = requester;
  const cancel = Number.isFinite(untilMs) ? clock.after(untilMs - clock.now(), onLate) : () => undefined;
  signal?.addEventListener("abort", onGone);
  return () => {
    cancel();
    signal?.removeEventListener("abort", onGone);
  };
}
