// The program: reads the settings, opens the database and the services, listens, and closes everything in order.
import { messageOf } from "../db/message.ts";
import { openOutput } from "../db/output.ts";
import { makeFirstAdmin } from "./accounts/first-admin.ts";
import { type Config, readConfig } from "./config.ts";
import { prepareData } from "./data-folder.ts";
import { localAddress } from "./http/host.ts";
import { prepareSecrets } from "./identity/secrets.ts";
import { listen } from "./listen.ts";
import { type Log, openLog } from "./log.ts";
import { completeCatalogue, MAINTENANCE_MS, openMaintenance } from "./maintenance.ts";
import { openDatabase } from "./open.ts";
import { openServer } from "./server.ts";
import { openServices, type Replacements } from "./services.ts";

/** Exit code after which a supervisor restarts the program (sysexits: temporary failure). */
const RESTART_CODE = 75;

/** A running shop. */
export type Shop = { url: string; close(): Promise<void> };

type MainOptions = {
  /** Called with the reason of a failure after the start; by default throws it. */
  onFatal?(why: string): void;
  /** Between two runs of the maintenance. */
  maintenanceMs?: number;
  /** Replacements for tests. */
  instead?: Replacements;
};

/** Starts a shop with these settings. Throws an error of one sentence when it cannot. */
export async function main(
  config: Config,
  log: Log,
  { onFatal = fail, maintenanceMs = MAINTENANCE_MS, instead = {} }: MainOptions = {},
): Promise<Shop> {
  const startedAtMs = Date.now();
  prepareData(config, log);
  const secrets = prepareSecrets(config.jwtSecrets, config.dataDir, secretNeededFor(config));
  const opened = await openDatabase(config, { log, onFatal });
  const topology = { ...opened, db: instead.database?.(opened.db) ?? opened.db };
  const { db, role } = topology;
  if (role === "single") await completeCatalogue(db, config.demo, log);
  const services = openServices({ topology, config, secrets, log, now: Date.now, startedAtMs, instead });
  const { passwords, loginThrottle, status, follower, catalogue, payments, mail } = services;
  if (config.isProduction) warnOfDefaults(config, log);
  if (await makeFirstAdmin(db, passwords, config.firstAdmin, Date.now())) log.info("created the first admin");
  const maintenance = openMaintenance(db, { log, now: Date.now, everyMs: maintenanceMs });
  const listener = listen(config, openServer(services));
  payments.start();
  // For customers a file is no mail: in production the outbox keeps what no server can be given.
  if (config.smtp || !config.isProduction) mail.start();
  status.enter("ready");

  const close = async () => {
    status.enter("draining");
    loginThrottle.close();
    await listener.drain(role === "node");
    follower.close();
    maintenance.close();
    await listener.close();
    await payments.close();
    await mail.close();
    await catalogue.close();
    await db.close();
  };
  return { url: listener.url, close };
}

/** Defaults that suit a developer and no shop. */
function warnOfDefaults(config: Config, log: Log): void {
  const { paymentGateway, publicUrl, smtp, alertEmails } = config;
  if (paymentGateway === "sandbox")
    log.warn("PAYMENT_GATEWAY=sandbox: payments are made up, and orders are confirmed without any money");
  if (publicUrl === "")
    log.warn("PUBLIC_URL is empty: links in mails lead to this machine", { address: localAddress(config) });
  if (!smtp) log.warn("SMTP_URL is empty: this process sends no mails, and they stay in the outbox");
  if (smtp && smtp.user !== "" && !smtp.isSecure && !smtp.needsTls)
    log.warn("SMTP_URL does not require TLS: its password may be sent in plain text (?starttls=required)");
  if (alertEmails.length === 0)
    log.warn("ADMIN_ALERT_EMAIL is empty: alerts and reports for the shop's staff are not sent");
}

const secretNeededFor = ({ isProduction, primary }: Config): string | null => {
  if (primary) return "a node (all nodes the same)";
  return isProduction ? "NODE_ENV=production" : null;
};

const fail = (why: string): never => {
  throw new Error(why);
};

if (import.meta.main) {
  try {
    const config = readConfig(process.env, process.stdout.isTTY);
    const output = openOutput(process.stdout, (lines) =>
      log.warn("lines of the log could not be written", { lines }),
    );
    const log = openLog(config.logLevel, config.logFormat, output);
    let isStopping = false;
    // A terminal may deliver its signal twice: through the package runner and by itself.
    const stop = async (signal: string, code = 0) => {
      if (isStopping) return;
      isStopping = true;
      log.info("closing", { signal });
      await shop.close();
      process.exit(code);
    };
    const onFatal = (why: string) => {
      log.error("restarting", { why });
      void stop("none", RESTART_CODE);
    };
    const shop = await main(config, log, { onFatal });
    log.info("the shop is open", { shop: shop.url, docs: `${shop.url}/docs`, data: config.databasePath });
    for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => void stop(signal));
  } catch (thrown) {
    process.stderr.write(`insole: ${messageOf(thrown)}\n`);
    process.exit(1);
  }
}
