// The first admin of a cluster: created once by racing nodes, also by nodes whose copies do not show it yet.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { DatabaseError } from "../../db/errors.ts";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { type LaggingNode, openLagging } from "../testing/lagging.ts";
import { openFolder } from "../testing/shop.ts";
import { newAccount } from "./accounts.ts";
import { addAdmin, makeFirstAdmin } from "./first-admin.ts";
import { openPasswords } from "./passwords.ts";

const GIVEN = { email: "first@shop.example", password: "correct horse battery" };

let folder: ReturnType<typeof openFolder>;
let live: Database;
let node: LaggingNode;
let hashed: string[];
/** Called while a password is hashed. */
let meanwhile: () => Promise<unknown>;
const passwords = openPasswords({
  hasher: {
    async hash(password) {
      hashed.push(password);
      await meanwhile();
      return "a hash";
    },
    verify: async () => false,
  },
});
beforeEach(() => {
  folder = openFolder();
  const path = join(folder.path, "insole.db");
  migrate(path);
  live = openFile(path);
  node = openLagging(live, path);
  hashed = [];
  meanwhile = async () => undefined;
});
afterEach(async () => {
  await node.db.close();
  await live.close();
  folder.remove();
});

const make = () => makeFirstAdmin(node.db, passwords, GIVEN, Date.now());
const admins = () => live.read.all("SELECT email, password_hash FROM users WHERE role = 'admin'");
const byAnother = () => addAdmin(live, GIVEN.email, "another's hash", Date.now());

test("is created once; later calls hash nothing", async () => {
  expect([await make(), await make()]).toEqual([true, false]);
  expect([hashed, admins()]).toEqual([[GIVEN.password], [[GIVEN.email, "a hash"]]]);
});

test("is the existing account of the address, with the password of the settings", async () => {
  const account = { email: GIVEN.email, name: "Early", role: "customer", passwordHash: "old" } as const;
  await live.write(newAccount(account, Date.now()).group.statements);
  expect([await make(), admins()]).toEqual([true, [[GIVEN.email, "a hash"]]]);
});

test("is the other process's when that creates one during the hashing", async () => {
  meanwhile = byAnother;
  expect([await make(), admins()]).toEqual([false, [[GIVEN.email, "another's hash"]]]);
});

test("is the other process's when that creates one just before the commit", async () => {
  node.interceptPrimary = async (questions, ask) => {
    const rows = await ask();
    if (questions.some(({ sql }) => sql.includes("email_key = ?"))) await byAnother();
    return rows;
  };
  expect([await make(), admins()]).toEqual([false, [[GIVEN.email, "another's hash"]]]);
});

test("is not looked for at the primary by a node whose copy has one, so the node starts without its primary", async () => {
  await byAnother();
  await node.catchUp();
  node.interceptPrimary = () =>
    Promise.reject(new DatabaseError("unreachable", "the primary does not answer"));
  expect([await make(), hashed]).toEqual([false, []]);
});
