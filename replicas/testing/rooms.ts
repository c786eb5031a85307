// Rooms behind a door for tests: they answer at once or hold, and note who came in.
import type { Position } from "../../db/database.ts";
import type { Rooms } from "../primary/door/rooms.ts";

/** The status of these rooms' responses, which the door itself never gives. */
export const ROOM_STATUS = 299;

export type TestRooms = Rooms & {
  /** The paths that came in, in their order. */
  visits: string[];
  positions: Position[];
  /** Requests wait from now on, until `release` is called or their signal is aborted. */
  hold(): void;
  release(): void;
  /** The number of requests whose signal was aborted. */
  aborted(): number;
  isClosed(): boolean;
};

/** Opens rooms whose responses are the path and the length of the body, or for a snapshot a stream that ends with its signal. */
export function openTestRooms(): TestRooms {
  const visits: string[] = [];
  const positions: Position[] = [];
  let [aborted, isClosed] = [0, false];
  let holding = Promise.withResolvers<void>();
  holding.resolve();

  const enter = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    visits.push(pathname);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    request.signal.addEventListener("abort", () => {
      aborted += 1;
      resolve();
    });
    const { byteLength } = await request.arrayBuffer();
    if (pathname.endsWith("/Snapshot")) return new Response(endless(), { status: ROOM_STATUS });
    await Promise.race([holding.promise, ended]);
    return new Response(`${pathname} ${byteLength}`, { status: ROOM_STATUS });
  };
  return {
    visits,
    positions,
    hold() {
      holding = Promise.withResolvers<void>();
    },
    release: () => holding.resolve(),
    aborted: () => aborted,
    isClosed: () => isClosed,
    replication: {
      handle: enter,
      waiting: (position) => void positions.push(position),
      metrics: () => [{ name: "test_rooms", help: "Rooms of tests", type: "gauge", value: 1 }],
      close() {
        isClosed = true;
      },
    },
    writes: {
      commit: enter,
      query: enter,
      migrations: enter,
      metrics: () => [],
      idle: () => holding.promise,
    },
  };
}

const endless = (): ReadableStream<Uint8Array> =>
  new ReadableStream({
    async pull(controller) {
      await Bun.sleep(5);
      controller.enqueue(new Uint8Array(1_000));
    },
  });
