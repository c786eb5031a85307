// A shop that kills itself with SIGKILL at a write: before it is committed, or when it is and its caller does not know it yet.
import { must } from "../../db/must.ts";
import { readConfig } from "../config.ts";
import { openLog } from "../log.ts";
import { main } from "../main.ts";
import { quickPasswords } from "./shop.ts";

/** The path of this program. */
export const DYING_SHOP = import.meta.path;

/** A point at which it dies: the first write with a statement that the pattern matches. */
export type DeathPoint = { when: "before" | "after"; write: RegExp };

export const argsOf = ({ when, write }: DeathPoint): string[] => [when, write.source];

if (import.meta.main) {
  const [when, source] = process.argv.slice(2);
  const pattern = new RegExp(must(source, "the pattern of a write"));
  const die = () => process.kill(process.pid, "SIGKILL");
  const log = openLog("info", "json", (line) => process.stdout.write(`${line}\n`));
  const shop = await main(readConfig(process.env), log, {
    instead: {
      passwords: quickPasswords(),
      mailTimes: { lookMs: 20 },
      database: (db) => ({
        ...db,
        async write(statements, writeId) {
          const isIt = statements.some(({ sql }) => pattern.test(sql));
          if (isIt && when === "before") die();
          const results = await db.write(statements, writeId);
          if (isIt) die();
          return results;
        },
      }),
    },
  });
  log.info("the shop is open", { shop: shop.url });
}
