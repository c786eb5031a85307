// Likes under kill -9: every acknowledged like is stored, and counts equal rows.
import { afterAll, expect, test } from "bun:test";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { openFolder, saveAll, shoe } from "../testing/shop.ts";
import { openShopProcesses } from "../testing/shop-process.ts";

const KILLS = 5;
const LIKES = 10_000;
const USERS = 200;
const SHOES = 50;
const CLIENTS = 40;
/** The process is killed after this many acknowledged likes since its start. */
const KILL_AFTER = 1_500;

const folder = openFolder();
const shops = openShopProcesses(folder.path, { OPEN_WRITES: "true" });
const { databasePath } = shops;
afterAll(async () => {
  await shops.end();
  folder.remove();
});

test(`${LIKES} likes, the process killed ${KILLS} times: counts, rows and the acknowledged set are one`, async () => {
  migrate(databasePath);
  const db = openFile(databasePath);
  await saveAll(
    db,
    Array.from({ length: SHOES }, (_, index) => shoe(`s${index}`)),
  );
  const waiting = Array.from(
    { length: LIKES },
    (_, index) => `s${index % SHOES} u${Math.floor(index / SHOES) % USERS}`,
  );
  const acknowledged = new Set<string>();
  for (let kills = 0; kills <= KILLS; kills += 1) {
    const running = await shops.start();
    const isLast = kills === KILLS;
    const enough = isLast ? LIKES : acknowledged.size + KILL_AFTER;
    const client = async () => {
      while (acknowledged.size < enough) {
        const pair = waiting.shift();
        if (pair === undefined) return;
        const [shoeId, userId] = pair.split(" ");
        const answer = await fetch(`${running.url}/api/shoes/${shoeId}/likes/${userId}`, {
          method: "POST",
        }).catch(() => null);
        if (answer?.status === 201) acknowledged.add(pair);
        else waiting.push(pair);
      }
    };
    const clients = Array.from({ length: CLIENTS }, client);
    // In the last round all senders finish; before, the first one that does is the signal for the kill.
    await (isLast ? Promise.all(clients) : Promise.race(clients));
    await running.kill();
    await Promise.all(clients);
    const kept = db.read.all<[string]>(
      "SELECT s.shoe_id || ' ' || l.user_id FROM likes AS l JOIN shoes AS s ON s.id = l.shoe",
    );
    const rows = new Set(kept.flat());
    // A like that was not acknowledged may be stored; an acknowledged one must be.
    expect([...acknowledged].filter((pair) => !rows.has(pair))).toEqual([]);
    expect(
      db.read.all(
        "SELECT shoe_id FROM shoes WHERE likes <> (SELECT count(*) FROM likes WHERE shoe = shoes.id)",
      ),
    ).toEqual([]);
  }
  expect(acknowledged.size).toBe(
    new Set(
      Array.from({ length: LIKES }, (_, index) => `s${index % SHOES} u${Math.floor(index / SHOES) % USERS}`),
    ).size,
  );
  expect(db.read.get("SELECT count(*), (SELECT sum(likes) FROM shoes) FROM likes")).toEqual([LIKES, LIKES]);
  await db.close();
  expect(await shops.end()).toEqual([]);
}, 60_000);
