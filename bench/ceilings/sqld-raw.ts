// The ceiling of writes to a primary: writers that send it groups of rows without a shop. Prints rows per second.
import { readFileSync } from "node:fs";
import { openLikes } from "../../app/likes/likes.ts";
import type { Database, Statement } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { must } from "../../db/must.ts";
import { openRemote } from "../../db/server/remote.ts";
import { customerId } from "../load/people.ts";
import { demoId } from "../load/urls.ts";

/** The writes: the size of their groups, the number of writers, and where in a series without repeats the first lies. */
export type RawWrites = {
  url: string;
  tokenPath: string;
  what: "likes" | "rows";
  group: number;
  writers: number;
  seconds: number;
  first: number;
  shoes: number;
  /** The customers who like: `count` of them, from number `from` on. */
  customers: { from: number; count: number };
};

/** `done` rows were acknowledged; `refused` counts groups that were sent again because the server was locked. */
export type RawResult = { done: number; perSecond: number; refused: number };

const ROW = "INSERT INTO writes (id, at) VALUES (?, ?)";

/** The pair of shoe and customer at a place of the series; each pair comes once in `shoes` * `count` places. */
export function pairAt(place: number, shoes: number, { from, count }: RawWrites["customers"]) {
  const [shoe, round] = [place % shoes, Math.floor(place / shoes)];
  // Neighbours are likes of different shoes by different customers, as in a crowd.
  return { shoeId: demoId(1 + shoe), userId: customerId(from + ((shoe + round) % count)) };
}

/** Sends the group that starts at a place, and waits until it is durable. */
type SendGroup = (place: number) => Promise<unknown>;

/** Likes, grouped and written by the queue of a node. */
function likesTo(db: Database, { group, shoes, customers }: RawWrites): SendGroup {
  const likes = openLikes(db, { now: Date.now, isOpen: false, onCommit() {} });
  return (place) =>
    Promise.all(
      Array.from({ length: group }, async (_, at) => {
        const { shoeId, userId } = pairAt(place + at, shoes, customers);
        if ((await likes.like(shoeId, userId)) === null) throw new Error(`there is no shoe ${shoeId}`);
      }),
    );
}

/** Rows of two columns, one transaction a group. */
function rowsTo(db: Database, { group }: RawWrites): SendGroup {
  const row = (): Statement => ({ sql: ROW, args: [crypto.randomUUID(), Date.now()] });
  return () => db.write(Array.from({ length: group }, row));
}

async function write(writes: RawWrites): Promise<RawResult> {
  const server = { url: writes.url, authToken: readFileSync(writes.tokenPath, "utf8").trim() };
  const writers = Array.from({ length: writes.writers }, () => openRemote(server));
  let [place, done, refused] = [writes.first, 0, 0];
  const retried = async (send: () => Promise<unknown>): Promise<void> => {
    for (;;)
      try {
        await send();
        return;
      } catch (thrown) {
        // The server locks out writers while it checkpoints; the client has retried several times already.
        if (!(thrown instanceof DatabaseError && thrown.kind === "busy")) throw thrown;
        refused += 1;
      }
  };
  const startedAt = performance.now();
  const endsAt = startedAt + writes.seconds * 1_000;
  await Promise.all(
    writers.map(async (db) => {
      const send = writes.what === "likes" ? likesTo(db, writes) : rowsTo(db, writes);
      while (performance.now() < endsAt) {
        const from = place;
        place += writes.group;
        await retried(() => send(from));
        done += writes.group;
      }
    }),
  );
  const perSecond = (done / (performance.now() - startedAt)) * 1_000;
  await Promise.all(writers.map((db) => db.close()));
  return { done, perSecond, refused };
}

if (import.meta.main) {
  const writes = JSON.parse(must(process.argv[2], "the JSON of the writes")) as RawWrites;
  process.stdout.write(`${JSON.stringify(await write(writes))}\n`);
}
