// What the supervisor does with its door, here a made-up one: what it tells each new one, and when it starts another.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { freePort } from "../../db/ports.ts";
import { openAuthority } from "../../db/testing/certificates.ts";
import { until } from "../../db/until.ts";
import { isAlive, listeners, MADE_UP_DOOR, openScratch, querySqld, toldTo } from "../testing/primary.ts";
import { type Children, openChildren } from "./children.ts";
import { initDataset } from "./dataset.ts";
import type { DoorMessage } from "./door/messages.ts";
import { makeToken, publicKeysIn, readKeys } from "./keys.ts";
import { revokeToken } from "./revoked.ts";
import { changeKeys } from "./rotation.ts";
import { openPrimary, type Primary } from "./supervisor.ts";
import type { Timings } from "./timings.ts";

const scratch = openScratch();
afterAll(scratch.remove);

const QUICK: Partial<Timings> = {
  probeEveryMs: 20,
  doorEveryMs: 20,
  doorMs: 300,
  keysEveryMs: 20,
  certificateEveryMs: 20,
};

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

async function open(
  more: Partial<Parameters<typeof openPrimary>[0]> = {},
): Promise<{ primary: Primary; sqld: number; door: number }> {
  const opened = openPrimary({
    ...folders,
    listen: `127.0.0.1:${freePort()}`,
    children,
    say: (line) => lines.push(line),
    timings: QUICK,
    doorProgram: MADE_UP_DOOR,
    ...more,
  });
  primary = opened;
  await opened.ready;
  return { primary: opened, sqld: must(opened.pid(), "sqld"), door: must(opened.door(), "the door") };
}

const told = async (to: Primary): Promise<DoorMessage[]> => (await toldTo(to.url))?.told ?? [];
const kinds = async (to: Primary): Promise<string[]> => (await told(to)).map(({ kind }) => kind);
const keysMessage = (revoked: string[] = []): DoorMessage => {
  const { datasetId, accepted } = readKeys(folders.keys);
  return { kind: "keys", datasetId, publicKeys: publicKeysIn(accepted), revoked };
};

test("a door is told its address and keys, then each life of sqld", async () => {
  const { primary, sqld } = await open();
  const life = must(primary.life(), "a life");
  await until("it is told of sqld", async () => (await told(primary)).length === 3);
  const listen = new URL(primary.url).host;
  expect(await told(primary)).toEqual([
    { kind: "open", listen, tls: null },
    keysMessage(),
    { kind: "sqld", ...life },
  ]);
  primary.kill();
  await until("it is told of the next", async () => (await told(primary)).length === 5);
  expect((await told(primary)).slice(3)).toEqual([
    { kind: "gone" },
    { kind: "sqld", ...must(primary.life(), "a life") },
  ]);
  expect(primary.life()?.writeToken).not.toBe(life.writeToken);
  expect(primary.pid()).not.toBe(sqld);
});

test("a killed door is started again with all it must know, and sqld stays", async () => {
  const { primary, sqld, door } = await open();
  await querySqld(primary, "CREATE TABLE t (a INTEGER) STRICT");
  primary.killDoor();
  await until("another door listens", () => ![undefined, door].includes(primary.door()));
  await until("it is told of sqld", async () => (await told(primary)).length === 3);
  expect(await kinds(primary)).toEqual(["open", "keys", "sqld"]);
  expect((await told(primary))[2]).toEqual({ kind: "sqld", ...must(primary.life(), "a life") });
  expect([primary.pid(), primary.state(), isAlive(door)]).toEqual([sqld, "up", false]);
  expect((await querySqld(primary, "SELECT count(*) FROM t")).cell).toBe("0");
  expect(lines.filter((line) => !line.startsWith("sqld: "))).toEqual(["door was killed and is restarted"]);
});

test("a door that is started while sqld does not run is told of its next life alone", async () => {
  const { primary, door } = await open({ timings: { ...QUICK, backoffMinMs: 200 } });
  primary.kill();
  await until("sqld is down", () => primary.pid() === undefined);
  await until("sqld runs", () => primary.pid() !== undefined);
  // The second pause of sqld is longer than the first of the door.
  primary.kill();
  process.kill(door, "SIGKILL");
  await until("another door listens", () => ![undefined, door].includes(primary.door()));
  await until("sqld can write", () => primary.state() === "up");
  await until("the door is told of it", async () => (await kinds(primary)).includes("sqld"));
  expect((await told(primary)).slice(1)).toEqual([
    keysMessage(),
    { kind: "sqld", ...must(primary.life(), "a life") },
  ]);
});

test("a silent door is killed after three probes without an answer, and sqld stays", async () => {
  const { primary, sqld, door } = await open();
  process.kill(door, "SIGSTOP");
  const frozenAtMs = performance.now();
  await until("another door listens", () => ![undefined, door].includes(primary.door()));
  expect(performance.now() - frozenAtMs).toBeGreaterThan(2 * 300);
  expect([primary.pid(), isAlive(door)]).toEqual([sqld, false]);
  expect(lines).toContain("door did not answer (no answer in 300 ms) and is restarted");
});

test("a door that cannot listen is started again after growing delays, and sqld runs on", async () => {
  const taken = Bun.serve({ hostname: "127.0.0.1", port: freePort(), fetch: () => new Response() });
  const opened = openPrimary({
    ...folders,
    listen: `127.0.0.1:${taken.port}`,
    children,
    say: (line) => lines.push(line),
    timings: QUICK,
    doorProgram: MADE_UP_DOOR,
  });
  primary = opened;
  await until("two doors have ended", () => lines.filter((line) => line.startsWith("door ended")).length > 1);
  await until("sqld can write", () => opened.state() === "up");
  expect(opened.door()).toBeUndefined();
  const sqld = opened.pid();
  await taken.stop(true);
  await opened.ready;
  expect([typeof opened.door(), opened.pid()]).toEqual(["number", sqld]);
});

test("a stop ends the door before sqld, and both in order", async () => {
  const ended: string[] = [];
  const { primary, sqld, door } = await open({
    children: {
      ...children,
      start(...args) {
        const child = children.start(...args);
        void child.exited.then((code) => ended.push(`${args[0].includes("-d") ? "sqld" : "door"} ${code}`));
        return child;
      },
    },
  });
  await primary.stop();
  expect(ended).toEqual(["door 0", "sqld 0"]);
  expect([isAlive(sqld), isAlive(door), primary.door()]).toEqual([false, false, undefined]);
  expect(readFileSync(join(folders.data, "sqld.log"), "utf8")).toContain("shutdown gracefully");
});

test("a door that does not end is killed, and the stop goes on", async () => {
  const { primary, sqld, door } = await open({ timings: { ...QUICK, doorMs: 60_000, doorEndMs: 200 } });
  process.kill(door, "SIGSTOP");
  await primary.stop();
  expect([isAlive(door), isAlive(sqld)]).toEqual([false, false]);
  expect(readFileSync(join(folders.data, "sqld.log"), "utf8")).toContain("shutdown gracefully");
});

test("changed keys and revoked tokens are told within a second, and neither process is started again", async () => {
  const { primary, sqld, door } = await open({ timings: {} });
  const token = makeToken(readKeys(folders.keys), { kind: "write", days: 1 }, Date.now());
  const last = async () => (await told(primary)).at(-1);
  revokeToken(folders.keys, token, Date.now());
  const id = JSON.parse(readFileSync(join(folders.keys, "revoked.json"), "utf8"))[0].id;
  const firstMs = await until("the id is told", async () => Bun.deepEquals(await last(), keysMessage([id])));
  changeKeys(folders.keys, "add");
  const secondMs = await until("the keys are told", async () =>
    Bun.deepEquals(await last(), keysMessage([id])),
  );
  expect(Math.max(firstMs, secondMs)).toBeLessThan(1_000);
  expect(keysMessage()).toMatchObject({ publicKeys: { length: 2 } });
  expect([primary.pid(), primary.door()]).toEqual([sqld, door]);
});

test("a folder of keys that is not whole changes nothing", async () => {
  const { primary, door } = await open();
  await until("it is told of sqld", async () => (await told(primary)).length === 3);
  const path = join(folders.keys, "public.pem");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, "");
  writeFileSync(join(folders.keys, "revoked.json"), "{");
  const untilFirstMs = performance.now() + 200;
  await until("half a folder was looked at", () => performance.now() > untilFirstMs);
  // A folder that is whole, but of another dataset.
  const dataset = readFileSync(join(folders.keys, "dataset.json"), "utf8");
  writeFileSync(join(folders.keys, "dataset.json"), JSON.stringify({ id: "other" }));
  writeFileSync(join(folders.keys, "revoked.json"), "[]");
  writeFileSync(path, text);
  // Ten times as long as the pause between two looks at the folder.
  const untilMs = performance.now() + 200;
  await until("the folder was looked at", () => performance.now() > untilMs);
  expect((await told(primary)).length).toBe(3);
  writeFileSync(join(folders.keys, "dataset.json"), dataset);
  writeFileSync(join(folders.keys, "revoked.json"), `[{"id":"${"a".repeat(32)}","exp":9999999999}]`);
  await until("the keys are told", async () => (await told(primary)).length > 3);
  expect((await told(primary)).at(-1)).toEqual(keysMessage(["a".repeat(32)]));
  expect(primary.door()).toBe(door);
});

test("a revoked list that cannot be read refuses the start", async () => {
  writeFileSync(join(folders.keys, "revoked.json"), "{");
  await expect(open()).rejects.toThrow("revoked.json is no list of revoked tokens: restore it from a backup");
  expect(primary?.pid()).toBeUndefined();
});

test.skipIf(process.platform !== "linux")("the door alone listens on the primary's address", async () => {
  const { primary, sqld, door } = await open();
  expect(listeners(door)).toEqual([new URL(primary.url).host]);
  expect(listeners(sqld)).toEqual([new URL(must(primary.life(), "a life").url).host]);
});

describe("with a certificate", () => {
  const authority = openAuthority();
  afterAll(authority.remove);
  const certificate = () => authority.sign("IP:127.0.0.1");
  let files = { cert: "", key: "" };
  const renew = (made: { cert: string; key: string }) => {
    writeFileSync(files.key, made.key);
    writeFileSync(files.cert, made.cert);
  };
  beforeEach(() => {
    files = { cert: join(folders.data, "..", "cert.pem"), key: join(folders.data, "..", "key.pem") };
    renew(certificate());
  });
  const opened = async (to: Primary) => (await told(to)).find(({ kind }) => kind === "open");

  test("the door gets it, and is replaced in order by one with the renewed certificate", async () => {
    const first = { cert: readFileSync(files.cert, "utf8"), key: readFileSync(files.key, "utf8") };
    const { primary, sqld, door } = await open({ tls: files });
    expect(primary.url).toStartWith("https://");
    expect(await opened(primary)).toMatchObject({ tls: first });
    const second = certificate();
    renew(second);
    await until("another door listens", () => ![undefined, door].includes(primary.door()));
    expect(await opened(primary)).toMatchObject({ tls: second });
    expect(primary.pid()).toBe(sqld);
    expect(lines.filter((line) => /restarted$/.test(line))).toEqual([
      "the door has another certificate and is restarted",
    ]);
    // The same once more is no reason.
    const newDoor = primary.door();
    renew(second);
    const untilMs = performance.now() + 200;
    await until("the files were looked at", () => performance.now() > untilMs);
    expect(primary.door()).toBe(newDoor);
  });

  test("a broken renewal keeps the old one, says so once, and ends with the next good one", async () => {
    const { primary, door } = await open({ tls: files });
    const second = certificate();
    writeFileSync(files.cert, second.cert);
    const sentence = `${files.key} is not the key of the certificate in ${files.cert}: the door keeps the certificate that it has`;
    await until("it is said", () => lines.includes(sentence));
    expect(primary.door()).toBe(door);
    writeFileSync(files.key, second.key);
    await until("another door listens", () => ![undefined, door].includes(primary.door()));
    expect(await opened(primary)).toMatchObject({ tls: second });
    expect(lines.filter((line) => line === sentence)).toHaveLength(1);
  });

  test("a certificate that cannot be used refuses the start", () => {
    writeFileSync(files.cert, "no certificate");
    const say = (line: string) => lines.push(line);
    expect(() => openPrimary({ ...folders, listen: "127.0.0.1:1", children, say, tls: files })).toThrow(
      `${files.cert} holds no certificate as PEM`,
    );
  });
});
