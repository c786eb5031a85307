// The sandbox keeps the contract of payment gateways.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openFile } from "../../../db/file.ts";
import { migrate } from "../../../db/schema/migrate.ts";
import { openFolder } from "../../testing/shop.ts";
import { openSandbox } from "./sandbox/sandbox.ts";
import { testGateway } from "./testing/contract.ts";

testGateway("the sandbox", async () => {
  const folder = openFolder();
  const path = join(folder.path, "insole.db");
  migrate(path);
  const db = openFile(path);
  const logged: string[] = [];
  const log = { warn: (...line: unknown[]) => void logged.push(JSON.stringify(line)) };
  const gateway = openSandbox(db, { now: Date.now, log, pageUrl: "/pay/sandbox" });
  return {
    gateway,
    tokens: { authorised: null, declined: "declined", onPage: "redirect", silent: "timeout" },
    pay: async (orderId) => void (await gateway.choose(orderId, "pay")),
    // The file and its log, byte by byte.
    traces: () =>
      readdirSync(folder.path)
        .map((name) => readFileSync(join(folder.path, name), "latin1"))
        .concat(logged)
        .join("\n"),
    async close() {
      await gateway.close();
      await db.close();
      folder.remove();
    },
  };
});
