// The primary's door: what faces the network. It checks tokens, and leads to the rooms behind it while the server lives.
import { must } from "../../../db/must.ts";
import { openDatasetLook } from "./dataset-look.ts";
import { openGate } from "./gate.ts";
import { openGuests } from "./guests.ts";
import { type Listener, type ListenerTimings, openListener } from "./listener.ts";
import { openLives } from "./lives.ts";
import type { DoorMessage } from "./messages.ts";
import type { Metric } from "./metric.ts";
import { openNews } from "./news.ts";
import { openRefusedTokens } from "./refused-tokens.ts";
import { openRequestCounts } from "./request-counts.ts";
import { openRooms, type RoomDeps, type Rooms } from "./rooms.ts";
import { routesOf } from "./routes.ts";
import { openTokens } from "./tokens.ts";

export type Door = {
  /** Does what the supervisor says. Throws one sentence where it cannot listen or read a key. */
  take(message: DoorMessage): void;
  /** The address it listens on; throws before `open`. */
  url(): string;
  /** Resolves when the door has ended. */
  ended: Promise<void>;
};

type DoorOptions = {
  /** Takes lines for the operator. */
  say(line: string): void;
  /** The time in milliseconds since 1970. */
  now?: () => number;
  rooms?: (deps: RoomDeps) => Rooms;
  timings?: Partial<DoorTimings>;
};

export type DoorTimings = ListenerTimings & {
  /** The longest time in which the body of a request must have come. */
  bodyMs: number;
  /** A token that has ended is felt within this time, a revoked one at once. */
  sweepMs: number;
  /** How long the end waits for what is under way. */
  endMs: number;
};

const TIMINGS: DoorTimings = {
  idleSeconds: 30,
  longSeconds: 240,
  bodyMs: 10_000,
  sweepMs: 500,
  endMs: 5_000,
};

/** Opens a door that does not listen yet. */
export function openDoor({ say, now = Date.now, rooms: open = openRooms, ...options }: DoorOptions): Door {
  const timings = { ...TIMINGS, ...options.timings };
  const [lives, news, tokens] = [openLives(), openNews(), openTokens(now)];
  const rooms = open({ lives, news, datasetId: tokens.datasetId });
  const [refused, counts] = [openRefusedTokens(say, now), openRequestCounts()];
  const guests = openGuests(tokens, timings.sweepMs);
  const gate = openGate({ tokens, lives, guests, refused, say, bodyMs: timings.bodyMs });
  const { promise: ended, resolve: resolveEnded } = Promise.withResolvers<void>();
  let listener: Listener | undefined;

  const metrics = (): Metric[] => [
    ...counts.metrics(),
    ...refused.metrics(),
    ...rooms.replication.metrics(),
    ...rooms.writes.metrics(),
    {
      name: "open_requests",
      help: "Requests under way, held ones too",
      type: "gauge",
      value: guests.count(),
    },
  ];
  const listenerDeps = {
    routes: routesOf(rooms, openDatasetLook(lives)),
    serve: gate.serve,
    isUp: () => lives.current() !== null,
    counts,
    metrics,
    timings,
  };
  const end = async () => {
    const stopping = listener?.stop();
    rooms.replication.close();
    guests.endHeld();
    await Promise.race([Promise.all([stopping, rooms.writes.idle()]), Bun.sleep(timings.endMs)]);
    lives.end();
    await listener?.stop(true);
    resolveEnded();
  };

  return {
    take(message) {
      if (message.kind === "open") listener = openListener(message, listenerDeps);
      else if (message.kind === "keys") {
        tokens.replace(message);
        guests.sweep();
      } else if (message.kind === "sqld") lives.begin(message);
      else if (message.kind === "gone") lives.end();
      else void end();
    },
    url: () => must(listener, "the door's address").url,
    ended,
  };
}
