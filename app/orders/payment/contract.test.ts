// The sandbox keeps the contract of payment gateways, on a file and on a cluster's primary.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../../../db/database.ts";
import { openFile } from "../../../db/file.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { openRemote } from "../../../db/server/remote.ts";
import { migratedTemplate, openTestServer } from "../../../db/testing/server.ts";
import { openFolder } from "../../testing/shop.ts";
import { openSandbox } from "./sandbox/sandbox.ts";
import { type GatewayUnderTest, testGateway } from "./testing/contract.ts";

/** Long limits, so that a busy machine refuses no write and no query. */
const PATIENT = { commitMs: 30_000, deadlineMs: 30_000, queryMs: 30_000 };

/** The methods of the gateway that the contract has called. */
const tried = new Set<string | symbol>();
const METHODS = ["authorise", "capture", "lookUp", "refund", "void"];

/** The sandbox on a database whose files are in this folder. */
function testedOn(db: Database, folder: string, remove: () => Promise<void> | void): GatewayUnderTest {
  const logged: string[] = [];
  const log = { warn: (...line: unknown[]) => void logged.push(JSON.stringify(line)) };
  const gateway = openSandbox(db, { now: Date.now, log, pageUrl: "/pay/sandbox" });
  return {
    gateway: new Proxy(gateway, {
      get(target, name, receiver) {
        tried.add(name);
        return Reflect.get(target, name, receiver);
      },
    }),
    tokens: { authorised: null, declined: "declined", onPage: "redirect", silent: "timeout" },
    pay: async (orderId) => void (await gateway.choose(orderId, "pay")),
    // The database and its log, byte by byte.
    traces: () =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .map((name) => join(folder, name))
        .filter((path) => statSync(path).isFile())
        .map((path) => readFileSync(path, "latin1"))
        .concat(logged)
        .join("\n"),
    async close() {
      await gateway.close();
      await db.close();
      await remove();
    },
  };
}

testGateway("the sandbox", async () => {
  const folder = openFolder();
  const path = join(folder.path, "insole.db");
  migrate(path);
  return testedOn(openFile(path), folder.path, folder.remove);
});

testGateway("the sandbox on a cluster's primary", async () => {
  const folder = openFolder();
  const server = await openTestServer(migratedTemplate(folder.path));
  return testedOn(openRemote(server, PATIENT), server.folder, async () => {
    await server.remove();
    folder.remove();
  });
});

test("the contract tries every method of a gateway", () => {
  expect([...tried].sort()).toEqual(expect.arrayContaining(METHODS));
});
