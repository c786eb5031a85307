// The ceiling of writes to a libSQL server: so many writers send it groups, one after the other, with no shop between; prints how many rows a second.
import { readFileSync } from "node:fs";
import { openLikes } from "../../app/likes/likes.ts";
import type { Database, Statement } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { openRemote } from "../../db/server/remote.ts";
import { customerId } from "../load/people.ts";
import { demoId } from "../load/urls.ts";

/** What is written, in what groups, by how many, from the `first` of a series that never repeats. */
export type RawAsk = {
  url: string;
  tokenPath: string;
  what: "likes" | "rows";
  group: number;
  writers: number;
  seconds: number;
  first: number;
  shoes: number;
  /** The customers who like are so many, from this one on. */
  customers: { from: number; count: number };
};

/** `done` rows were acknowledged, the first one being the first of the series; `refused` groups found the server locked and went again. */
export type RawDone = { done: number; perSecond: number; refused: number };

const ROW = "INSERT INTO writes (id, at) VALUES (?, ?)";

/** The pair of shoe and customer at a place in the series: each is there once in `shoes` times `count` places. */
export function pairAt(place: number, shoes: number, { from, count }: RawAsk["customers"]) {
  const [shoe, round] = [place % shoes, Math.floor(place / shoes)];
  // Neighbours are likes of different shoes by different customers, as they come from a crowd.
  return { shoeId: demoId(1 + shoe), userId: customerId(from + ((shoe + round) % count)) };
}

/** Sends one group, which starts at a place, and waits until it is durable. */
type SendGroup = (place: number) => Promise<unknown>;

/** Likes as a node's own queue groups and writes them. */
function likesTo(db: Database, { group, shoes, customers }: RawAsk): SendGroup {
  const likes = openLikes(db, { now: Date.now, isOpen: false, onCommit() {} });
  return (place) =>
    Promise.all(
      Array.from({ length: group }, async (_, at) => {
        const { shoeId, userId } = pairAt(place + at, shoes, customers);
        if ((await likes.like(shoeId, userId)) === null) throw new Error(`there is no shoe ${shoeId}`);
      }),
    );
}

/** Rows of two columns, a transaction for each group. */
function rowsTo(db: Database, { group }: RawAsk): SendGroup {
  const row = (): Statement => ({ sql: ROW, args: [crypto.randomUUID(), Date.now()] });
  return () => db.write(Array.from({ length: group }, row));
}

async function write(ask: RawAsk): Promise<RawDone> {
  const server = { url: ask.url, authToken: readFileSync(ask.tokenPath, "utf8").trim() };
  const writers = Array.from({ length: ask.writers }, () => openRemote(server));
  let [place, done, refused] = [ask.first, 0, 0];
  const untilLetIn = async (send: () => Promise<unknown>): Promise<void> => {
    for (;;)
      try {
        await send();
        return;
      } catch (thrown) {
        // It has been tried some times by then; while the server moves its log into its file it lets nobody in.
        if (!(thrown instanceof DatabaseError && thrown.kind === "busy")) throw thrown;
        refused += 1;
      }
  };
  const startedAt = performance.now();
  const endsAt = startedAt + ask.seconds * 1_000;
  await Promise.all(
    writers.map(async (db) => {
      const send = ask.what === "likes" ? likesTo(db, ask) : rowsTo(db, ask);
      while (performance.now() < endsAt) {
        const from = place;
        place += ask.group;
        await untilLetIn(() => send(from));
        done += ask.group;
      }
    }),
  );
  const perSecond = (done / (performance.now() - startedAt)) * 1_000;
  await Promise.all(writers.map((db) => db.close()));
  return { done, perSecond, refused };
}

if (import.meta.main) {
  const ask = JSON.parse(process.argv[2] ?? "") as RawAsk;
  process.stdout.write(`${JSON.stringify(await write(ask))}\n`);
}
