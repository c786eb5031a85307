// The drill of a stolen reading token: it opens replication and the dataset's name, and the shop goes on meanwhile.
import { randomBytes } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DOOR } from "../../db/server/door-protocol.ts";
import { until } from "../../db/until.ts";
import { ROOT } from "../cluster/folder.ts";
import { linesWith, logsOf } from "./checks/logs.ts";
import { checkWrites } from "./checks/writes.ts";
import type { Cluster } from "./cluster.ts";
import { type Drill, type DrillContext, secondsOf, sizeOf, textOf } from "./drill.ts";
import { attemptsWith } from "./traffic/attempts.ts";
import { request, signInAccounts } from "./traffic/client.ts";
import { errorsText, inParallel, openLoad, type Report } from "./traffic/load.ts";
import { openMixedWrites } from "./traffic/mixed-writes.ts";
import { connectTo, sendRaw } from "./traffic/raw.ts";
import { newsRequest, openHeldRequests, sessionOf } from "./traffic/replica-requests.ts";

const WRITES_PER_SECOND = { full: 40, short: 30 };
const HELD = { full: 500, short: 200 };
/** So many open streams stop a libSQL server. */
const UNFINISHED = 126;
/** How long requests are held beside the writes. */
const HOLD_SECONDS = { full: 10, short: 2 };
const LANES = 8;
const CUSTOMERS = 3;
const CONCURRENCY = 200;
const P99_MS_MAX = 1_000;
const REVOKED_MS_MAX = 1_000;
const GIVE_UP_MS = 30_000;
const GARBAGE_BYTES = [0, 1, 4, 5, 6, 100, 1_025, 65_536, 4_000_000];
const SECRET_BYTES = 16;

export const readingToken: Drill = {
  name: "reading-token",
  about:
    "a reading token tries SQL by every way in, files, locks, odd paths, garbage, 500 held requests: it opens replication and the dataset's name, no write of the shop fails, and a second after it is revoked all that it holds has ended",
  async run(context) {
    const { options, checks, progress, folder } = context;
    const cluster = await context.boot();
    const accounts = await signInAccounts(cluster.edge, CUSTOMERS);
    const writes = await openMixedWrites(cluster, { accounts, titlePrefix: "Token" });
    const token = cluster.makeToken("read");
    const pids = () => `sqld ${cluster.primaryPid()}, door ${cluster.doorPid()}`;
    const pidsBefore = pids();
    const load = openLoad({
      send: writes.send,
      rate: sizeOf(options, WRITES_PER_SECOND),
      concurrency: CONCURRENCY,
    });
    await writes.untilEveryNodeWrites(GIVE_UP_MS);
    await checkAttempts(context, cluster, token);
    await checkGarbage(context, cluster, token);
    progress(`writes meanwhile: p99 ${textOf(load.report().times.percentile(0.99), "ms")}`);
    await checkHeld(context, cluster, token);
    checkLoad(context, await load.stop());
    checks.require(pids() === pidsBefore, `${pidsBefore} before, ${pids()} afterwards`);
    checks.none(
      "files written",
      readdirSync(folder).filter((name) => name.startsWith(WRITTEN)),
    );
    checks.none(
      "tokens in logs",
      linesWith(logsOf(cluster), [token, ...token.split(".").slice(1), JWT_HEAD]),
    );
    await checkWrites(checks, cluster, writes);
  },
};

const WRITTEN = "written";
/** The first part of all tokens for the primary. */
const JWT_HEAD = Buffer.from('{"alg":"EdDSA"').toString("base64url").slice(0, -1);

/** Every attempt must be refused, and no response may hold what it was after. */
async function checkAttempts(
  { checks, progress, folder }: DrillContext,
  { primary, keys }: Cluster,
  token: string,
): Promise<void> {
  const secret = randomBytes(SECRET_BYTES).toString("hex");
  const secretFile = join(folder, "secret");
  writeFileSync(secretFile, secret, { mode: 0o600 });
  const files = [secretFile, join(keys, "private.pem")];
  const attempts = files.flatMap((file) =>
    attemptsWith({ token, secretFile: file, writtenFile: join(folder, WRITTEN) }),
  );
  const [opened, told]: [string[], string[]] = [[], []];
  await inParallel(attempts, LANES, async ({ what, request: sent }) => {
    const { status, text } = await sendRaw(primary.url, sent);
    // A connection that is closed without a response is a refusal too.
    if (status !== 0 && (status < 400 || status > 499)) opened.push(`${what} got ${status}`);
    if (text.includes(secret) || text.includes("PRIVATE KEY") || text.includes("@shop.example"))
      told.push(`${what}: ${text.slice(-200)}`);
  });
  progress(`${attempts.length} attempts`);
  checks.measure("attempts", attempts.length);
  checks.none("attempts that were not refused", opened);
  checks.none("responses with what they were after", told);
  const own = await request(primary.url, { path: DOOR.dataset, token });
  checks.require(own.status === 200, `the dataset's name is refused: ${own.status} ${own.text}`);
}

/** Bodies that are no requests of a replica, and requests that never end. */
async function checkGarbage({ checks }: DrillContext, { primary }: Cluster, token: string): Promise<void> {
  const good = newsRequest(token, "none");
  const sent = ["Hello", "BatchLogEntries", "Snapshot"].flatMap((method) =>
    GARBAGE_BYTES.map((bytes) => ({
      ...good,
      target: `/wal_log.ReplicationLog/${method}`,
      body: randomBytes(bytes),
    })),
  );
  const failed: string[] = [];
  await inParallel(sent, LANES, async (each) => {
    const { status } = await sendRaw(primary.url, each);
    if (status >= 500) failed.push(`${each.target} with ${each.body.length} bytes got ${status}`);
  });
  checks.none("failures by garbage", failed);
}

/** Requests that are held, and ones that never end, must not disturb the shop; they end when the token is revoked. */
async function checkHeld(
  { options, checks, progress, children, folder }: DrillContext,
  { primary, keys }: Cluster,
  token: string,
): Promise<void> {
  const unfinished = Array.from({ length: UNFINISHED }, () => connectTo(primary.url));
  for (const socket of unfinished) socket.write("POST /v3/pipeline HTTP/1.1\r\nhost: door\r\n");
  const count = sizeOf(options, HELD);
  const held = openHeldRequests(primary.url, newsRequest(token, await sessionOf(primary.url, token)), count);
  await until("all requests are held", () => held.held() === count, GIVE_UP_MS);
  await Bun.sleep(secondsOf(options, HOLD_SECONDS) * 1_000);
  progress(`${held.held()} requests are held`);
  checks.measure("held requests", held.held());
  const command = [
    process.execPath,
    "replicas/primary/command.ts",
    "token",
    "--revoke",
    token,
    "--keys",
    keys,
  ];
  const code = await children.start(command, { cwd: ROOT, env: {}, outPath: join(folder, "revoke.out") })
    .exited;
  checks.require(code === 0, `the token could not be revoked (${code})`);
  const ms = await held.untilAllEnd(GIVE_UP_MS);
  checks.atMost("all of them ended after the token was revoked", ms, REVOKED_MS_MAX, "ms");
  const { status } = await request(primary.url, { path: DOOR.dataset, token });
  checks.require(status === 401, `the revoked token got ${status}`);
  for (const socket of unfinished) socket.destroy();
  held.close();
}

function checkLoad({ checks }: DrillContext, report: Report): void {
  const errors = errorsText(report);
  checks.measure("writes meanwhile", report.responses / report.seconds, "/s");
  checks.atMost("p99 of writes", report.times.percentile(0.99), P99_MS_MAX, "ms");
  checks.none("failed writes", errors === "" ? [] : [errors]);
}
