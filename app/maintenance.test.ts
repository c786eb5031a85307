// Maintenance of the database: what it deletes and computes, that a failure does not end it, and the start.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database } from "../db/database.ts";
import { openFile } from "../db/file.ts";
import { migrate } from "../db/schema/migrate.ts";
import { until } from "../db/until.ts";
import { readConfig } from "./config.ts";
import { openLog } from "./log.ts";
import { main } from "./main.ts";
import { completeCatalogue, openMaintenance } from "./maintenance.ts";
import { openFolder, readUntil, saveAll, shoe } from "./testing/shop.ts";

const NEVER_MS = 1_000_000;
const NOW_MS = Date.UTC(2030, 0, 1);
const HOUR_MS = 3_600_000;
const folder = openFolder();
const logged: string[] = [];
const log = openLog("info", "json", (line) => logged.push(JSON.parse(line).message));

let db: Database;
beforeAll(async () => {
  const path = join(folder.path, "insole.db");
  migrate(path);
  db = openFile(path);
  await saveAll(db, [shoe("a", { brand: "Nord" }), shoe("b", { brand: "Nord" })]);
});
afterAll(async () => {
  await db.close();
  folder.remove();
});

const maintenanceOf = (of: Database, everyMs = NEVER_MS) =>
  openMaintenance(of, { log, now: () => NOW_MS, everyMs });
const column = (sql: string) => db.read.all<[string]>(sql).map(([value]) => value);
const pending = () =>
  column("SELECT s.shoe_id FROM related_pending AS p JOIN shoes AS s ON s.id = p.shoe ORDER BY s.id");
/** Computed lists hold row ids. */
const listOf = (shoeId: string) =>
  column(`SELECT r.list FROM related AS r JOIN shoes AS s ON s.id = r.shoe WHERE s.shoe_id = '${shoeId}'`);

/** As a writer leaves a shoe that fails between its save and its related list. */
const leavePending = (shoeId: string) =>
  db.write([
    { sql: "DELETE FROM related WHERE shoe = (SELECT id FROM shoes WHERE shoe_id = ?)", args: [shoeId] },
    {
      sql: "INSERT OR IGNORE INTO related_pending SELECT id FROM shoes WHERE shoe_id = ?",
      args: [shoeId],
    },
  ]);

const saveWrite = (id: string, ageMs: number) =>
  db.write([{ sql: "INSERT INTO writes (id, at) VALUES (?, ?)", args: [id, NOW_MS - ageMs] }]);

test("deletes expired rows and no others", async () => {
  await saveWrite("old", HOUR_MS + 1);
  await saveWrite("young", HOUR_MS - 1);
  const answer = (key: string, ageMs: number) => ({
    sql: `INSERT INTO idempotency (user_id, key, request_hash, status, headers, created_at)
          VALUES ('u', ?, '', 201, '{}', ?)`,
    args: [key, NOW_MS - ageMs],
  });
  await db.write([answer("old", 24 * HOUR_MS + 1), answer("young", 24 * HOUR_MS - 1)]);
  const mail = (key: string, ageMs: number) => ({
    sql: `INSERT INTO outbox (key, kind, data, state, due_at, created_at, sent_at)
          VALUES (?1, 'low-stock', '{}', 'sent', ?2, ?2, ?2)`,
    args: [key, NOW_MS - ageMs],
  });
  await db.write([mail("old", 30 * 24 * HOUR_MS + 1), mail("young", 30 * 24 * HOUR_MS - 1)]);
  const maintenance = maintenanceOf(db);
  await maintenance.run();
  maintenance.close();
  expect(column("SELECT id FROM writes")).toEqual(["young"]);
  expect(column("SELECT key FROM idempotency")).toEqual(["young"]);
  expect(column("SELECT key FROM outbox")).toEqual(["young"]);
});

test("computes related lists whose writer failed", async () => {
  await leavePending("a");
  expect([pending(), listOf("a")]).toEqual([["a"], []]);
  const maintenance = maintenanceOf(db);
  await maintenance.run();
  maintenance.close();
  expect([pending(), listOf("a")]).toEqual([[], ["[2]"]]);
});

test("a failure is logged, and the next run does the work", async () => {
  await saveWrite("stuck", 2 * HOUR_MS);
  let isDown = true;
  const write: Database["write"] = (statements, id) =>
    isDown ? Promise.reject(new Error("no space left")) : db.write(statements, id);
  const maintenance = maintenanceOf({ ...db, write });
  logged.length = 0;
  await maintenance.run();
  expect(logged).toEqual(["the maintenance of the database failed"]);
  isDown = false;
  await maintenance.run();
  maintenance.close();
  expect(logged).toHaveLength(1);
  expect(column("SELECT id FROM writes WHERE id = 'stuck'")).toEqual([]);
});

test("runs by itself until it is closed", async () => {
  await saveWrite("ancient", 2 * HOUR_MS);
  let underWay = 0;
  const write: Database["write"] = (statements, id) => {
    underWay += 1;
    return db.write(statements, id).finally(() => {
      underWay -= 1;
    });
  };
  const maintenance = maintenanceOf({ ...db, write }, 5);
  const left = () => Promise.resolve(column("SELECT id FROM writes WHERE id = 'ancient'"));
  expect(await readUntil(left, (ids) => ids.length === 0, 5_000)).toEqual([]);
  maintenance.close();
  // A run that began before ends by itself, and would delete the next row too.
  await until("the current run has ended", () => underWay === 0);
  await saveWrite("ancient", 2 * HOUR_MS);
  await Bun.sleep(30);
  expect(await left()).toEqual(["ancient"]);
});

test("a running shop deletes expired rows, and no longer tries to once it is closed", async () => {
  const dataDir = join(folder.path, "shop");
  const config = readConfig({ DATA_DIR: dataDir, PORT: "0", DEMO: "false" });
  const shop = await main(config, log, { maintenanceMs: 5 });
  const file = openFile(config.databasePath);
  const ids = () => file.read.all("SELECT id FROM writes WHERE id IN ('ancient', 'young')");
  const at = Date.now();
  await file.write([
    { sql: "INSERT INTO writes (id, at) VALUES ('ancient', ?), ('young', ?)", args: [at - 2 * HOUR_MS, at] },
  ]);
  await until("the deletion of an old write id", () => ids().length === 1, 5_000);
  expect(ids()).toEqual([["young"]]);
  await shop.close();
  logged.length = 0;
  await Bun.sleep(50);
  // A run that the close interrupted may log its failure; each later one would log another.
  expect(logged.length).toBeLessThanOrEqual(1);
  await file.close();
});

test("the start completes related lists, and adds demo shoes only to an empty catalogue", async () => {
  await leavePending("b");
  logged.length = 0;
  await completeCatalogue(db, true, log);
  expect([pending(), listOf("b")]).toEqual([[], ["[1]"]]);
  expect(column("SELECT shoe_id FROM shoes ORDER BY id")).toEqual(["a", "b"]);
  expect(logged).toEqual([]);
});

test("the start leaves a large backlog to the next import, and says so", async () => {
  const shoes = Array.from({ length: 2_001 }, (_, index) => shoe(`left${index}`));
  await saveAll(db, shoes, false);
  logged.length = 0;
  await completeCatalogue(db, false, log);
  expect(logged).toEqual(["an import was interrupted: run it again to complete the related shoes"]);
  expect(pending()).toHaveLength(2_001);
  await db.write([{ sql: "DELETE FROM shoes WHERE shoe_id = 'left0'" }]);
  await completeCatalogue(db, false, log);
  expect([pending(), logged.length]).toEqual([[], 1]);
  await db.write([{ sql: "DELETE FROM shoes WHERE shoe_id LIKE 'left%'" }]);
});
