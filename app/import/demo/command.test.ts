// The demo command: adds invented shoes, leaves those that exist as they are, and refuses a bad count in one sentence.
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openFile } from "../../../db/file.ts";
import { runScript } from "../../testing/script.ts";
import { openFolder } from "../../testing/shop.ts";

const folder = openFolder();
afterAll(folder.remove);

const run = (...args: string[]) => runScript("import/demo/command.ts", args, { DATA_DIR: folder.path });

test("adds the missing shoes with their related shoes, and leaves those that exist as they are", async () => {
  const path = join(folder.path, "insole.db");
  expect(await run("--shoes", "3")).toMatchObject({ code: 0, out: `3 shoes added to ${path}` });
  const db = openFile(path);
  const rename = "UPDATE shoes SET title = 'Renamed', content_hash = 'another' WHERE shoe_id = 'demo-000001'";
  await db.write([{ sql: rename }]);
  expect(await run("--shoes", "5")).toMatchObject({ code: 0, out: `2 shoes added to ${path}` });
  expect(db.read.all("SELECT shoe_id, origin, version FROM shoes ORDER BY id")).toEqual(
    [1, 2, 3, 4, 5].map((number) => [`demo-00000${number}`, "demo", 1]),
  );
  expect(db.read.get("SELECT title FROM shoes WHERE shoe_id = 'demo-000001'")).toEqual(["Renamed"]);
  expect(db.read.all("SELECT shoe FROM related_pending")).toEqual([]);
  await db.close();
});

describe("refuses", () => {
  test.each(["0", "-1", "1.5", "many", "10000001"])("--shoes %s", async (count) => {
    const { code, out, err } = await run(`--shoes=${count}`);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe(`demo: --shoes ${count}: must be a whole number from 1 to 10000000\n`);
  });
});

test("-h prints the usage and adds nothing", async () => {
  const { code, out } = await run("-h");
  expect(code).toBe(0);
  expect(out).toStartWith("usage: bun run demo [--shoes <count>]");
});
