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

const TOO_LATE = "it waited too long for its turn";
const GONE = "the client has gone";
const overloaded = (why: string) => new DatabaseError("overloaded", why);

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
  const drop = (error: DatabaseError) => {
    requesters.close();
    for (const { refuse } of waiting.keys()) {
      onRefusal();
      refuse(error);
    }
    end(error);
  };
  const giveUp = (client: string, why: string) => {
    membersOf.delete(client);
    lines.remove(client, place);
    if (membersOf.size === 0) drop(overloaded(why));
  };
  const leave = (member: Member, why: string) => {
    const left = waiting.get(member);
    if (left === undefined) return;
    left.stop();
    waiting.delete(member);
    member.refuse(overloaded(why));
    // None where this client's line was given up before.
    const members = membersOf.get(left.client) ?? 0;
    if (members === 1) giveUp(left.client, why);
    else if (members > 1) membersOf.set(left.client, members - 1);
  };
  const add = (member: Member) => {
    const { client } = member.requester;
    const onLate = () => {
      onRefusal();
      leave(member, TOO_LATE);
    };
    const stop = watch(member, clock, { onLate, onGone: () => leave(member, GONE) });
    waiting.set(member, { client, stop });
    const members = membersOf.get(client) ?? 0;
    membersOf.set(client, members + 1);
    if (members === 0) lines.add(client, place);
  };
  const leaveIfGone = (member: Member) => {
    if (member.requester.signal?.aborted) leave(member, GONE);
  };

  const place: Place = {
    begin() {
      // Alarms are late while this thread is busy.
      const isLate = ({ requester }: Member) => requester.untilMs <= clock.now();
      if ([...waiting.keys()].every(isLate)) drop(overloaded(TOO_LATE));
      else end();
    },
    giveUp: (client) => giveUp(client, "too many are waiting"),
  };
  for (const member of requesters.members()) add(member);
  requesters.onJoin((member) => {
    add(member);
    leaveIfGone(member);
  });
  for (const member of [...waiting.keys()]) leaveIfGone(member);
  return place;
}

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
