// The command `bun run check:books` on a file in use, on a backup and on broken books, and what a primary's door lets through.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openHandle } from "../../../db/read/reader.ts";
import { verdictOf } from "../../../replicas/primary/door/writes/statements.ts";
import { openTestDoor } from "../../../replicas/testing/door.ts";
import { copyLoosely } from "../../testing/book-breaks.ts";
import { type EveryOrder, openEveryOrder } from "../../testing/every-order.ts";
import { openFolder } from "../../testing/shop.ts";
import { NAMED_MAX, RULES } from "./books.ts";
import { booksCommand } from "./command.ts";

const RIGHT =
  "The books are right: 21 orders, 43 lines, 56 pairs sold, revenue 1084.10 USD, 9 mails sent; 2 orders unsettled, 3 requests to the gateway unanswered, 38 mails due, 1 mail parked";

let every: EveryOrder;
const folder = openFolder();
beforeAll(async () => {
  every = await openEveryOrder();
});
afterAll(async () => {
  await every.shop.close();
  folder.remove();
});

let token = "";

async function check(...args: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  const [out, err]: string[][] = [[], []];
  const code = await booksCommand(args, {
    env: { DATA_DIR: dirname(every.shop.databasePath), DATABASE_AUTH_TOKEN: token },
    out: (line) => void out?.push(line),
    err: (line) => void err?.push(line),
  });
  return { code, out: out ?? [], err: err ?? [] };
}

/** A copy as a backup makes it: one file without a log. */
function backUp(name: string): string {
  mkdirSync(join(folder.path, name));
  const path = join(folder.path, name, "shop #1 100%.db");
  const handle = openHandle(every.shop.databasePath, 2_048);
  handle.exec(`VACUUM INTO '${path}'`);
  handle.close();
  return path;
}

test("the settings' file while the shop has it open: right, with what waits", async () => {
  expect(await check()).toEqual({ code: 0, out: [RIGHT], err: [] });
  expect(await check(every.shop.databasePath)).toEqual({ code: 0, out: [RIGHT], err: [] });
});

test("a backup: right, and nothing is added beside it", async () => {
  const path = backUp("backup");
  expect(await check(path)).toEqual({ code: 0, out: [RIGHT], err: [] });
  expect(await check(`file:${path}`)).toEqual({ code: 0, out: [RIGHT], err: [] });
  expect(readdirSync(dirname(path))).toEqual(["shop #1 100%.db"]);
});

test("a copy of the file with its log: right", async () => {
  const path = join(folder.path, "copied.db");
  for (const suffix of ["", "-wal"]) copyFileSync(every.shop.databasePath + suffix, path + suffix);
  expect(await check(path)).toEqual({ code: 0, out: [RIGHT], err: [] });
});

test("broken books: exit code 1, each row by its rule, and no more than can be read", async () => {
  const path = join(folder.path, "loose.db");
  copyLoosely(every.shop.databasePath, path);
  const handle = openHandle(path, 2_048);
  handle.exec("PRAGMA foreign_keys = OFF");
  const { numbers } = every;
  handle.exec(`UPDATE orders SET total_cents = total_cents + 1 WHERE number = ${numbers.shipped}`);
  handle.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${NAMED_MAX + 1})
    INSERT INTO payment_events SELECT 'e' || i, 77, 1 FROM n`);
  handle.close();
  const { code, out, err } = await check(path);
  expect({ code, err }).toEqual({ code: 1, err: [] });
  expect(out).toContain("BROKEN: An order has lines, and its total is their sum and the delivery.");
  expect(out).toContain(`  order ${numbers.shipped}: 3 lines of 27998, items 27998, delivery 0, total 27999`);
  const orphans = out.filter((line) => line === "  order 77: a row of payment_events has no order");
  expect(orphans.length).toBe(NAMED_MAX);
  expect(out.filter((line) => line === "  and more").length).toBe(1);
  expect(out.at(-1)).toStartWith("The books are not right: 21 orders, ");
});

test("a primary behind its door: right, or the same rows as of its file; not without a token", async () => {
  const template = backUp("primary");
  const broken = join(folder.path, "primary.db");
  copyLoosely(template, broken);
  const handle = openHandle(broken, 2_048);
  handle.exec("UPDATE order_history SET at = position; UPDATE sandbox_payments SET currency = 'EUR'");
  handle.exec("DELETE FROM outbox WHERE kind = 'alert'; UPDATE stock_taken SET pairs = pairs + 1");
  handle.close();
  for (const path of [template, broken]) {
    const door = await openTestDoor({ template: path });
    token = "";
    expect((await check(door.url)).err[0]).toStartWith("check:books: ");
    token = door.writeToken;
    const { code, out, err } = await check(door.url);
    await door.remove();
    expect({ code, out, err }).toEqual({ ...(await check(path)), err: [] });
    expect(out.length > 1).toBe(path === broken);
  }
});

test.each([
  ["a file that is missing", ["/nowhere/shop.db"], "check:books: cannot read /nowhere/shop.db: no such file"],
  ["two databases", ["a.db", "b.db"], "check:books: name one database (-h shows the usage)"],
  ["an unknown option", ["--fast"], "check:books: Unknown option '--fast'"],
  ["a primary that is not there", ["http://127.0.0.1:1"], "check:books: "],
])("%s: one sentence, and exit code 1", async (_, args, sentence) => {
  const { code, out, err } = await check(...args);
  expect({ code, out }).toEqual({ code: 1, out: [] });
  expect(err.length).toBe(1);
  expect(err[0]).toStartWith(sentence);
});

test("a database of an older version and a file of something else: one sentence", async () => {
  const [old, other] = [join(folder.path, "old.db"), join(folder.path, "other.txt")];
  const handle = openHandle(old, 2_048);
  handle.exec("CREATE TABLE shoes (id)");
  handle.close();
  writeFileSync(other, "not a database, but long enough for a header of one hundred bytes ".repeat(20));
  for (const path of [old, other]) {
    const { code, out, err } = await check(path);
    expect({ code, out, lines: err.length }).toEqual({ code: 1, out: [], lines: 1 });
    expect(err[0]).toStartWith("check:books: ");
  }
});

test("-h shows the usage", async () => {
  const { code, out } = await check("-h");
  expect(code).toBe(0);
  expect(out.join()).toStartWith("usage: bun run check:books [<file> | <URL>]");
});

test("each query passes the door of a primary", () => {
  const verdicts = RULES.map(({ sql }) => verdictOf(`${sql} LIMIT ?3`, true));
  expect(verdicts).toEqual(RULES.map(() => ({ refusal: null })));
});
