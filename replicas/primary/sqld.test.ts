// What sqld shows to other processes: one port of loopback, files for its user alone, no key of the dataset; and how it is ended.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../db/ports.ts";
import { until } from "../../db/until.ts";
import { listeners, openScratch, queryPrimary } from "../testing/primary.ts";
import { openChildren } from "./children.ts";
import { databaseFile, initDataset } from "./dataset.ts";
import { makeToken, readKeys } from "./keys.ts";
import { probe } from "./probe.ts";
import { endSqld, type Sqld, startSqld } from "./sqld.ts";

const PROBE_MS = 1_000;
const scratch = openScratch();
const children = openChildren();
afterAll(async () => {
  await children.close();
  scratch.remove();
});

const isLinux = process.platform === "linux";

describe("a running sqld", () => {
  const folders = { data: join(scratch.path, "data"), keys: join(scratch.path, "keys") };
  const port = freePort();
  let sqld: Sqld;
  beforeAll(async () => {
    initDataset(folders);
    sqld = startSqld(children, { data: folders.data, port }, () => {});
    await until("it can write", async () => (await probe(sqld.life.url, sqld.life.writeToken, PROBE_MS)).ok);
  });

  test.skipIf(!isLinux)("listens on one port of loopback", () => {
    expect(listeners(sqld.child.pid)).toEqual([`127.0.0.1:${port}`]);
  });

  test.skipIf(!isLinux)("knows a public key of its own, how often to check its log, and nothing else", () => {
    const variables = readFileSync(`/proc/${sqld.child.pid}/environ`, "utf8").split("\0").filter(Boolean);
    expect(variables.toSorted()).toEqual([
      "NO_COLOR=1",
      expect.stringMatching(
        /^SQLD_AUTH_JWT_KEY=-----BEGIN PUBLIC KEY-----\n[\w+/=]+\n-----END PUBLIC KEY-----\n$/,
      ),
      "SQLD_CHECKPOINT_INTERVAL_S=30",
    ]);
    const { accepted } = readKeys(folders.keys);
    expect(variables.join()).not.toContain(accepted.split("\n")[1] ?? "");
  });

  test("keeps its files from other users", async () => {
    const { url, writeToken } = sqld.life;
    await queryPrimary(url, writeToken, "CREATE TABLE made (a INTEGER) STRICT");
    const names = readdirSync(folders.data, { recursive: true, encoding: "utf8" });
    expect(names).toContain("metastore");
    const open = [".", ...names].filter((name) => (statSync(join(folders.data, name)).mode & 0o077) !== 0);
    expect(open).toEqual([]);
    const modes = [folders.data, databaseFile(folders.data)].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600]);
  });

  test("is opened by the tokens of its life, and by no token of a node", async () => {
    const { url, writeToken, readToken } = sqld.life;
    const MAKE = "CREATE TABLE t (a INTEGER) STRICT";
    expect((await queryPrimary(url, readToken, MAKE)).error).toMatch(/forbidden/i);
    expect((await queryPrimary(url, writeToken, MAKE)).error).toBeUndefined();
    expect((await queryPrimary(url, readToken, "SELECT count(*) FROM t")).cell).toBe("0");
    const keys = readKeys(folders.keys);
    const ofNode = (kind: "write" | "read") => makeToken(keys, { kind, days: 1 }, Date.now());
    for (const token of [ofNode("write"), ofNode("read"), ""])
      expect((await queryPrimary(url, token, "SELECT 1")).status).toBe(401);
  });

  test("accepts no token of an earlier life", async () => {
    const before = sqld.life;
    await endSqld(sqld.child, children, 15_000);
    sqld = startSqld(children, { data: folders.data, port }, () => {});
    await until("it can write", async () => (await probe(sqld.life.url, sqld.life.writeToken, PROBE_MS)).ok);
    for (const token of [before.writeToken, before.readToken])
      expect((await queryPrimary(sqld.life.url, token, "SELECT 1")).status).toBe(401);
  });
});

test("a program that loses the first SIGTERM is ended by the next", async () => {
  const child = children.start(
    ["sh", "-c", "trap 'trap - TERM' TERM; touch ready; while :; do sleep 0.01; done"],
    { cwd: scratch.path, env: { PATH: process.env.PATH ?? "" } },
  );
  await until("the program waits for signals", () => Bun.file(`${scratch.path}/ready`).exists());
  const killedAfterMs = 15_000;
  const startedAtMs = performance.now();
  await endSqld(child, children, killedAfterMs);
  expect(performance.now() - startedAtMs).toBeLessThan(killedAfterMs);
});
