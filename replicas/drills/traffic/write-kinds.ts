// The kinds of mixed writes: what each sends, and how its effect is counted at the primary afterwards.
import type { Database } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import { type Account, demoId, type HttpRequest } from "./client.ts";
import { addRequest, likeRequest, priceRequest } from "./shoes.ts";

/** One write. `effect` is what can be counted of it; with a key it may be sent again. */
export type Write = { kind: string; effect: string; request: HttpRequest; hasKey: boolean };

// Each kind has shoes of its own in the demo catalogue.
const PRICED = 200;
const STOCKED = 100;
const LIKED = 600;

/** Returns the write of each number, counted from 0; the kinds take turns. The first account is an admin. */
export async function writesOf(
  db: Database,
  accounts: readonly [Account, ...Account[]],
  titlePrefix: string,
): Promise<(number: number) => Write> {
  const [admin] = accounts;
  const sizes = await readFirstSizes(db);
  const titleOf = (number: number) => `${titlePrefix} ${number}`;
  const kinds: ((number: number, turn: number) => Write)[] = [
    (_, turn) => {
      const id = demoId(1 + (turn % PRICED));
      const price = (1_000 + (turn % 90_000)) / 100;
      return {
        kind: "replaced",
        effect: `replaced ${id}`,
        request: priceRequest(admin, id, price),
        hasKey: false,
      };
    },
    (number, turn) => {
      const id = demoId(PRICED + 1 + (turn % STOCKED));
      const request = {
        method: "POST",
        path: `/api/shoes/${id}/stock`,
        token: admin.token,
        body: { size: sizes.get(id) ?? "", delta: 1 },
        headers: { "idempotency-key": titleOf(number) },
      };
      return { kind: "stock", effect: `stock ${id}`, request, hasKey: true };
    },
    (_, turn) => {
      const id = demoId(PRICED + STOCKED + 1 + (turn % LIKED));
      const account = accounts[Math.floor(turn / LIKED) % accounts.length] ?? admin;
      return {
        kind: "like",
        effect: `like ${id} ${account.id}`,
        request: likeRequest(account, id),
        hasKey: false,
      };
    },
    (number) => {
      const title = titleOf(number);
      return {
        kind: "title",
        effect: `title ${title}`,
        request: addRequest(admin, { title }, title),
        hasKey: true,
      };
    },
    (number) => {
      const title = titleOf(number);
      return {
        kind: "title",
        effect: `title ${title}`,
        request: addRequest(admin, { title }),
        hasKey: false,
      };
    },
  ];
  return (number) => {
    const writeOf = kinds[number % kinds.length];
    if (!writeOf) throw new RangeError(`there is no write ${number}`);
    return writeOf(number, Math.floor(number / kinds.length));
  };
}

const rowsOf = async (db: Database, sql: string, args: string[] = []) =>
  must((await db.scan([{ sql, args }]))[0], "the rows");

async function readFirstSizes(db: Database): Promise<Map<string, string>> {
  const sql = "SELECT s.shoe_id, z.size FROM sizes AS z JOIN shoes AS s ON s.id = z.shoe WHERE position = 0";
  return new Map((await rowsOf(db, sql)).map(([id, size]) => [String(id), String(size)]));
}

/** The stock of every shoe. */
export async function readStocks(db: Database): Promise<Map<string, number>> {
  const rows = await rowsOf(db, "SELECT shoe_id, stock FROM shoes");
  return new Map(rows.map(([id, stock]) => [String(id), Number(stock)]));
}

/** Counts every effect that the database holds; a wrong counter of likes is an effect without a write. */
export async function countEffects(
  db: Database,
  stocksBefore: ReadonlyMap<string, number>,
  titlePrefix: string,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const replaced = "SELECT subject, count(*) FROM audit WHERE action = 'shoe.replace' GROUP BY subject";
  for (const [id, times] of await rowsOf(db, replaced)) found.set(`replaced ${id}`, Number(times));
  for (const [id, stock] of await readStocks(db)) {
    const added = stock - (stocksBefore.get(id) ?? stock);
    if (added !== 0) found.set(`stock ${id}`, added);
  }
  const likes = "SELECT s.shoe_id, l.user_id FROM likes AS l JOIN shoes AS s ON s.id = l.shoe";
  for (const [id, userId] of await rowsOf(db, likes)) found.set(`like ${id} ${userId}`, 1);
  const titles = "SELECT title, count(*) FROM shoes WHERE title LIKE ? || ' %' GROUP BY title";
  for (const [title, times] of await rowsOf(db, titles, [titlePrefix]))
    found.set(`title ${title}`, Number(times));
  const miscounted = `SELECT s.shoe_id, s.likes, count(l.shoe) FROM shoes AS s LEFT JOIN likes AS l ON l.shoe = s.id
GROUP BY s.id HAVING s.likes <> count(l.shoe)`;
  for (const [id, counter, rows] of await rowsOf(db, miscounted))
    found.set(`counter of likes of ${id} is ${counter}, with ${rows} likes`, 1);
  return found;
}
