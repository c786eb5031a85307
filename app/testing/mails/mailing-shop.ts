// The program with other times of its mail: short ones, so that a run of many kills takes minutes, or any that a bench needs.
import { openOutput } from "../../../db/output.ts";
import { readConfig } from "../../config.ts";
import { openLog } from "../../log.ts";
import { main } from "../../main.ts";

/** The path of this program; its argument are the times that differ, as JSON. */
export const MAILING_SHOP = import.meta.path;

/** The longest time that a mail may take, well below the lease. */
const BOUNDS = { connectMs: 500, silenceMs: 400, sendMs: 1_500 };
const QUICK = {
  lookMs: 20,
  leaseMs: 4_000,
  paceMs: 0,
  paceMaxMs: 0,
  pauseMs: 30,
  pauseMaxMs: 1_000,
  restMs: 10,
  restMaxMs: 250,
};

if (import.meta.main) {
  const [times] = process.argv.slice(2);
  const config = readConfig(process.env);
  const log = openLog(config.logLevel, config.logFormat, openOutput(process.stdout));
  const instead =
    times === undefined ? { mailTimes: QUICK, mailBounds: BOUNDS } : { mailTimes: JSON.parse(times) };
  const shop = await main(config, log, { instead });
  log.info("the shop is open", { shop: shop.url });
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => void shop.close().then(() => process.exit(0)));
}
