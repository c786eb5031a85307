// A supervised primary: tokens, a kill, a freeze, foreign data, an orderly end, and no process left behind.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import Libsql from "libsql";
import { must } from "../../db/must.ts";
import { freePort } from "../../db/ports.ts";
import { type CommitRequest, DOOR } from "../../db/server/door-protocol.ts";
import { until } from "../../db/until.ts";
import { isAlive, MADE_UP_DOOR, openScratch, querySqld } from "../testing/primary.ts";
import { type Children, openChildren } from "./children.ts";
import { databaseFile, initDataset, restoreDataset } from "./dataset.ts";
import { DOOR_PROGRAM } from "./door-process.ts";
import { idOfToken, makeToken, readKeys } from "./keys.ts";
import { startSqld } from "./sqld.ts";
import { openPrimary, type Primary } from "./supervisor.ts";
import type { Timings } from "./timings.ts";

const scratch = openScratch();
afterAll(scratch.remove);

const COMMAND = join(import.meta.dir, "command.ts");
const QUICK: Partial<Timings> = { probeEveryMs: 20, probeMs: 200, silentMs: 500 };

let folders = { data: "", keys: "" };
let children: Children;
let primary: Primary | undefined;
let lines: string[] = [];
beforeEach(() => {
  const folder = mkdtempSync(join(scratch.path, "each-"));
  folders = { data: join(folder, "data"), keys: join(folder, "keys") };
  initDataset(folders);
  children = openChildren();
  lines = [];
});
afterEach(async () => {
  await primary?.stop();
  primary = undefined;
  await children.close();
});

/** Opens a primary on a free port and waits until it can write. */
async function open(
  timings: Partial<Timings> = QUICK,
  listen = `127.0.0.1:${freePort()}`,
  doorProgram: readonly string[] = MADE_UP_DOOR,
): Promise<{ primary: Primary; pid: number }> {
  primary = openPrimary({
    ...folders,
    listen,
    children,
    say: (line) => lines.push(line),
    timings,
    doorProgram,
  });
  await primary.ready;
  return { primary, pid: must(primary.pid(), "the pid of sqld") };
}

test("tokens name their dataset, an id of their own, and when they expire", () => {
  const keys = readKeys(folders.keys);
  const claims = (token: string) =>
    JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  const made = [
    makeToken(keys, { kind: "write", days: 1 }, 5_000),
    makeToken(keys, { kind: "read", days: 90 }, 5_000),
  ];
  const ids = made.map(idOfToken);
  expect(made.map(claims)).toEqual([
    { a: "rw", dataset: keys.datasetId, jti: ids[0], iat: 5, exp: 5 + 86_400 },
    { a: "ro", dataset: keys.datasetId, jti: ids[1], iat: 5, exp: 5 + 90 * 86_400 },
  ]);
  expect(ids.join()).toMatch(/^[0-9a-f]{32},[0-9a-f]{32}$/);
  expect(new Set(ids).size).toBe(2);
});

test("a killed sqld is restarted, with every acknowledged write", async () => {
  const { primary, pid } = await open();
  await querySqld(primary, "CREATE TABLE t (a INTEGER) STRICT");
  await querySqld(primary, "INSERT INTO t VALUES (41)");
  process.kill(pid, "SIGKILL");
  await until("another sqld runs", () => primary.state() === "up" && primary.pid() !== pid);
  expect((await querySqld(primary, "SELECT a FROM t")).cell).toBe("41");
  expect(lines.filter((line) => !line.startsWith("sqld: "))).toEqual(["sqld was killed and is restarted"]);
  expect(isAlive(pid)).toBe(false);
});

test("a frozen sqld is killed after the longest silence, and restarted", async () => {
  const { primary, pid } = await open({ ...QUICK, silentMs: 2_000 });
  process.kill(pid, "SIGSTOP");
  const frozenAtMs = performance.now();
  await until("it is killed", () => lines.join("\n").includes("did not answer"));
  // Several probes without an answer are not enough.
  expect(performance.now() - frozenAtMs).toBeGreaterThan(1_500);
  await until("another sqld runs", () => primary.state() === "up" && primary.pid() !== pid);
  expect(isAlive(pid)).toBe(false);
  expect(lines.join("\n")).toContain("sqld did not answer (no answer in 200 ms) and is restarted");
  expect((await querySqld(primary, "SELECT 1")).cell).toBe("1");
});

test("an sqld that reads but gives no write lock is killed after two probes", async () => {
  // Another client holds the write lock for five seconds, then sqld takes it away: five times as long as two probes wait for it.
  // A read has a hundred times as long as it needs.
  const { primary, pid } = await open({ ...QUICK, probeMs: 500, silentMs: 60_000 });
  const lockedAtMs = performance.now();
  const { url, writeToken } = must(primary.life(), "a life of sqld");
  await fetch(`${url}/v2/pipeline`, {
    method: "POST",
    headers: { authorization: `Bearer ${writeToken}` },
    body: JSON.stringify({ requests: [{ type: "execute", stmt: { sql: "BEGIN IMMEDIATE" } }] }),
  });
  await until("it is killed", () => lines.join("\n").includes("did not answer"));
  // One probe of 500 ms is not enough.
  expect(performance.now() - lockedAtMs).toBeGreaterThan(750);
  await until("another sqld runs", () => primary.state() === "up" && primary.pid() !== pid);
  expect(lines.join("\n")).toContain("sqld did not answer (no write lock in 500 ms) and is restarted");
});

test("a paused sqld is not restarted", async () => {
  const { primary, pid } = await open();
  primary.pause();
  await until("the process is frozen", () =>
    Bun.spawnSync(["ps", "-o", "stat=", "-p", String(pid)])
      .stdout.toString()
      .startsWith("T"),
  );
  // Longer than the longest silence.
  const untilMs = performance.now() + 900;
  await until("the longest silence is over", () => performance.now() > untilMs);
  expect([primary.state(), primary.pid()]).toEqual(["paused", pid]);
  primary.resume();
  expect((await querySqld(primary, "SELECT 1")).cell).toBe("1");
  expect(primary.pid()).toBe(pid);
});

test("the dataset is checked before every start", async () => {
  const { primary, pid } = await open();
  const own = readKeys(folders.keys).datasetId;
  const foreign = { data: `${folders.data}-foreign`, keys: `${folders.keys}-foreign` };
  const other = initDataset(foreign);
  for (const suffix of ["-wal", "-shm"]) rmSync(databaseFile(folders.data) + suffix, { force: true });
  copyFileSync(databaseFile(foreign.data), databaseFile(folders.data));
  process.kill(pid, "SIGKILL");
  await expect(primary.ended).rejects.toThrow(
    `${folders.data} holds the dataset ${other.id}, but ${folders.keys} belongs to the dataset ${own}`,
  );
  expect([primary.state(), primary.pid()]).toEqual(["stopped", undefined]);
});

test("a stop is orderly: the log stays, and the next start continues it", async () => {
  const { primary, pid } = await open();
  await primary.stop();
  await primary.ended;
  expect(isAlive(pid)).toBe(false);
  expect(readFileSync(join(folders.data, "sqld.log"), "utf8")).toContain("shutdown gracefully");
  await open();
  expect(readFileSync(join(folders.data, "sqld.log"), "utf8")).not.toContain("log is dirty");
});

test("a stop of a frozen primary first finishes the write that is under way", async () => {
  const { primary } = await open(QUICK, `127.0.0.1:${freePort()}`, DOOR_PROGRAM);
  const keys = readKeys(folders.keys);
  const token = makeToken(keys, { kind: "write", days: 1 }, Date.now());
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  await until("the door knows sqld", async () => (await fetch(`${primary.url}/health`)).ok);
  primary.pause();
  const statements = [{ sql: "DELETE FROM words", args: [] }];
  const body: CommitRequest = {
    dataset: keys.datasetId,
    waitMs: 10_000,
    members: [{ writeId: crypto.randomUUID(), statements }],
  };
  const answer = fetch(primary.url + DOOR.commit, { method: "POST", headers, body: JSON.stringify(body) });
  const metrics = async () => await (await fetch(`${primary.url}/metrics`)).text();
  await until("it is under way", async () => /^insole_door_open_requests [1-9]/m.test(await metrics()));
  await primary.stop();
  expect(await (await answer).json()).toMatchObject({ outcomes: [{ ok: true }] });
});

test("a stop waits 2 s, not 30, for a connection without a request, and keeps the log too", async () => {
  const { primary, pid } = await open();
  const { url } = must(primary.life(), "a life of sqld");
  const idle = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
  await once(idle, "connect");
  await primary.stop();
  expect(isAlive(pid)).toBe(false);
  await open();
  expect(readFileSync(join(folders.data, "sqld.log"), "utf8")).not.toContain("log is dirty");
});

test("an sqld and a door that an earlier supervisor left behind are killed first", async () => {
  const { child, life } = startSqld(children, { data: folders.data, port: freePort() }, () => {});
  const door = children.start([...MADE_UP_DOOR, folders.data], { env: {}, takesLines: true });
  const left = { sqld: child.pid, door: door.pid };
  for (const name of ["sqld", "door"] as const)
    writeFileSync(join(folders.data, `${name}.pid`), String(left[name]));
  const isUp = () =>
    fetch(`${life.url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until("the sqld left behind answers", isUp);
  const { pid } = await open();
  expect([left.sqld, left.door, pid].map(isAlive)).toEqual([false, false, true]);
  const notes = ["sqld", "door"].map((name) =>
    Number(readFileSync(join(folders.data, `${name}.pid`), "utf8")),
  );
  expect(notes).toEqual([pid, must(primary?.door(), "the door")]);
  // A foreign process that has the pid now is not killed.
  await primary?.stop();
  expect(readdirSync(folders.data).filter((name) => name.endsWith(".pid"))).toEqual([]);
  writeFileSync(join(folders.data, "sqld.pid"), String(process.pid));
  expect(isAlive((await open()).pid)).toBe(true);
});

test("a folder has one primary at a time, and an empty folder none", async () => {
  await open();
  expect(() => openPrimary({ ...folders, listen: "127.0.0.1:1", children, say() {} })).toThrow(
    `${folders.data} is in use: a primary runs on it already`,
  );
  const empty = { data: `${folders.data}-empty`, keys: folders.keys };
  const refused = openPrimary({ ...empty, listen: "127.0.0.1:1", children, say() {} });
  await expect(refused.ended).rejects.toThrow("holds no dataset (id: none)");
  await expect(refused.ready).rejects.toThrow("holds no dataset (id: none)");
  expect(existsSync(databaseFile(empty.data))).toBe(false);
});

test("after a restore replicas take over the older copy", async () => {
  const listen = `127.0.0.1:${freePort()}`;
  const backup = join(folders.data, "..", "backup.db");
  const first = await open(QUICK, listen, DOOR_PROGRAM);
  await querySqld(first.primary, "CREATE TABLE t (a INTEGER) STRICT");
  await querySqld(first.primary, "INSERT INTO t VALUES (1)");
  const reader = makeToken(readKeys(folders.keys), { kind: "read", days: 1 }, Date.now());
  const replica = new Libsql(join(folders.data, "..", "replica.db"), {
    syncUrl: first.primary.url,
    authToken: reader,
  } as ConstructorParameters<typeof Libsql>[1]);
  const rows = () => replica.prepare("SELECT a, generation FROM t, dataset ORDER BY a").raw(true).all([]);
  await replica.sync();
  const handle = new Libsql(databaseFile(folders.data));
  handle.exec(`VACUUM INTO '${backup}'`);
  handle.close();
  await querySqld(first.primary, "INSERT INTO t VALUES (2)");
  await replica.sync();
  expect(rows()).toHaveLength(2);
  await first.primary.stop();
  const { generation } = restoreDataset(folders, backup);
  await open(QUICK, listen, DOOR_PROGRAM);
  await replica.sync();
  expect(rows()).toEqual([[1, generation]]);
  replica.close();
});

describe("the command", () => {
  /** Runs the command and waits until its sqld is ready. */
  async function start(...more: string[]) {
    const listen = `127.0.0.1:${freePort()}`;
    const words = [COMMAND, "--data", folders.data, "--keys", folders.keys, "--listen", listen, ...more];
    const command = Bun.spawn([process.execPath, ...words], { stdout: "pipe", stderr: "pipe" });
    let text = "";
    for await (const chunk of command.stdout) {
      text += new TextDecoder().decode(chunk);
      if (/sqld \d+.*\n/.test(text)) break;
    }
    return { command, sqld: Number(/sqld (\d+)/.exec(text)?.[1]), lines: text.split("\n") };
  }

  test("ends its sqld in order on SIGTERM", async () => {
    const { command, sqld } = await start();
    expect(isAlive(sqld)).toBe(true);
    command.kill("SIGTERM");
    expect(await command.exited).toBe(0);
    expect(isAlive(sqld)).toBe(false);
    expect(readFileSync(join(folders.data, "sqld.log"), "utf8")).toContain("shutdown gracefully");
  });

  test("leaves no sqld behind when it is killed itself, and can be restarted at once", async () => {
    const { command, sqld } = await start();
    command.kill("SIGKILL");
    await command.exited;
    await until("sqld has ended", () => !isAlive(sqld));
    const again = await start();
    expect(isAlive(again.sqld)).toBe(true);
    again.command.kill("SIGTERM");
    expect(await again.command.exited).toBe(0);
  });

  test("warns once when the door is reached from other machines without TLS", async () => {
    const listen = `0.0.0.0:${freePort()}`;
    const { command, lines } = await start("--listen", listen);
    expect(lines[0]).toStartWith(`the primary is ready at http://${listen} (door `);
    command.kill("SIGTERM");
    expect(await command.stderr.text()).toBe(
      `primary: ${listen} is reached without TLS: keep it in a private network, or name --tls-cert and --tls-key\n`,
    );
  });

  test("creates a dataset and runs on it", async () => {
    folders = { data: `${folders.data}-made`, keys: `${folders.keys}-made` };
    const { command, lines } = await start("--init");
    expect(lines[0]).toMatch(/^created the dataset [0-9a-f]{32}, generation [0-9a-f]{8}, in /);
    expect(lines[1]).toStartWith("the primary is ready at http://127.0.0.1:");
    command.kill("SIGTERM");
    expect(await command.exited).toBe(0);
  });

  test("creates a dataset, prints a token, and refuses in one sentence", () => {
    const run = (...words: string[]) => {
      const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, COMMAND, ...words]);
      return { exitCode, out: stdout.toString().trim(), err: stderr.toString().trim() };
    };
    const made = ["--data", `${folders.data}-made`, "--keys", `${folders.keys}-made`];
    expect(run(...made, "--init", "--no-start").out).toMatch(
      /^created the dataset [0-9a-f]{32}, generation [0-9a-f]{8}, in /,
    );
    expect(run(...made, "--init", "--no-start")).toMatchObject({ exitCode: 1, out: "" });
    expect(run("token", "--keys", folders.keys, "--write").out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]{86}$/);
    const missing = run("--data", `${folders.data}-none`, "--keys", folders.keys);
    expect([missing.exitCode, missing.err]).toEqual([
      1,
      expect.stringMatching(/^primary: [^\n]+holds no dataset[^\n]+$/),
    ]);
    const keyPath = join(folders.keys, "private.pem");
    const noCertificate = run("--tls-cert", "missing.pem", "--tls-key", keyPath, ...made);
    expect([noCertificate.exitCode, noCertificate.err]).toEqual([
      1,
      "primary: --tls-cert is missing.pem: there is no such file, or it cannot be read",
    ]);
    expect(run("-h").out).toStartWith("usage: bun run primary");
  });
});
