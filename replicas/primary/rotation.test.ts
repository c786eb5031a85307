// Changed keys: whatever interrupts a change leaves a pair, and a real sqld then refuses every revoked token, and no other.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHmac, generateKeyPairSync, sign, verify } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Libsql from "libsql";
import { must } from "../../db/must.ts";
import { freePort } from "../../db/ports.ts";
import { until } from "../../db/until.ts";
import { openScratch, queryPrimary } from "../testing/primary.ts";
import { type Children, openChildren } from "./children.ts";
import { initDataset } from "./dataset.ts";
import { type Grant, makeKeys, makeToken, publicKeysIn, readKeys } from "./keys.ts";
import { lockFolder } from "./lock.ts";
import { changeKeys, type KeyChange } from "./rotation.ts";
import { openPrimary, type Primary } from "./supervisor.ts";

const scratch = openScratch();
afterAll(scratch.remove);

let folders = { data: "", keys: "" };
beforeEach(() => {
  const folder = mkdtempSync(join(scratch.path, "each-"));
  folders = { data: join(folder, "data"), keys: join(folder, "keys") };
});

const tokenFor = (kind: Grant["kind"] = "write"): string =>
  makeToken(readKeys(folders.keys), { kind, days: 1 }, Date.now());

/** Whether one of the folder's public keys accepts the token. */
function isAccepted(token: string): boolean {
  const [head = "", claims = "", mac = ""] = token.split(".");
  return publicKeysIn(readKeys(folders.keys).accepted).some((key) =>
    verify(null, Buffer.from(`${head}.${claims}`), key, Buffer.from(mac, "base64url")),
  );
}

describe("the folder", () => {
  beforeEach(() => makeKeys(folders.keys, "ab".repeat(16)));

  test("accepts both keys while they change, then the new one only", () => {
    const before = tokenFor();
    changeKeys(folders.keys, "add");
    const after = tokenFor();
    expect([isAccepted(before), isAccepted(after)]).toEqual([true, true]);
    changeKeys(folders.keys, "finish");
    expect([isAccepted(before), isAccepted(after), isAccepted(tokenFor())]).toEqual([false, true, true]);
  });

  test("accepts no token made before a revocation, also one in the middle of a change", () => {
    const first = tokenFor();
    changeKeys(folders.keys, "add");
    const second = tokenFor();
    changeKeys(folders.keys, "revoke");
    expect([first, second, tokenFor()].map(isAccepted)).toEqual([false, false, true]);
    changeKeys(folders.keys, "revoke");
    expect(publicKeysIn(readKeys(folders.keys).accepted)).toHaveLength(1);
  });

  test("keeps its dataset, the modes of its files, and nothing of a draft", () => {
    writeFileSync(join(folders.keys, "public.pem.new"), "left behind by a crash", { mode: 0o400 });
    for (const change of ["add", "finish", "revoke"] as const) changeKeys(folders.keys, change);
    expect(readKeys(folders.keys).datasetId).toBe("ab".repeat(16));
    expect(readdirSync(folders.keys).toSorted()).toEqual([
      "dataset.json",
      "lock",
      "private.pem",
      "public.pem",
    ]);
    expect(statSync(join(folders.keys, "private.pem")).mode & 0o777).toBe(0o600);
    expect(statSync(join(folders.keys, "public.pem")).mode & 0o022).toBe(0);
  });

  test.each<[KeyChange, number]>([
    ["add", 0],
    ["add", 1],
    ["finish", 0],
    ["revoke", 0],
    ["revoke", 1],
    ["revoke", 2],
  ])("is whole when %s ends after %d of its steps, and the change can be repeated", (change, done) => {
    if (change === "finish") changeKeys(folders.keys, "add");
    const before = tokenFor();
    let steps = 0;
    const failing = (folder: string, name: string, text: string) => {
      if (steps === done) throw new Error("the disk is full");
      steps += 1;
      writeFileSync(join(folder, name), text);
    };
    expect(() => changeKeys(folders.keys, change, failing)).toThrow("the disk is full");
    // Nobody is locked out by half a change.
    expect([isAccepted(before), isAccepted(tokenFor())]).toEqual([true, true]);
    const isHalf = publicKeysIn(readKeys(folders.keys).accepted).length === 2;
    if (change === "add" && isHalf) changeKeys(folders.keys, "finish");
    changeKeys(folders.keys, change);
    expect([isAccepted(before), isAccepted(tokenFor())]).toEqual([change !== "revoke", true]);
  });

  const refusal = (change: KeyChange): string => {
    try {
      changeKeys(folders.keys, change);
      return "done";
    } catch (thrown) {
      return (thrown as Error).message;
    }
  };

  test("is left as it is by a change out of turn, during another one, or where it is not whole", () => {
    const text = () =>
      ["private.pem", "public.pem"].map((name) => readFileSync(join(folders.keys, name), "utf8"));
    const before = text();
    expect(refusal("finish")).toBe(`${folders.keys} accepts one key only: there is nothing to finish`);
    const lock = must(lockFolder(folders.keys), "the lock");
    expect(refusal("revoke")).toBe(`${folders.keys} is in use: another change of its keys is under way`);
    lock.release();
    expect(text()).toEqual(before);
    changeKeys(folders.keys, "add");
    const changed = text();
    expect(refusal("add")).toContain("end the change before with rotate --finish");
    expect(text()).toEqual(changed);
    rmSync(join(folders.keys, "public.pem"));
    expect(refusal("revoke")).toContain("has no public.pem");
    const missing = join(folders.keys, "nowhere");
    expect(() => changeKeys(missing, "revoke")).toThrow("has no dataset.json");
    expect(readdirSync(folders.keys)).not.toContain("nowhere");
  });

  test.each([
    ["an empty file", ""],
    ["another key", () => generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" })],
    [
      "another kind of key",
      () => generateKeyPairSync("x25519").publicKey.export({ type: "spki", format: "pem" }),
    ],
    ["half a key", () => readFileSync(join(folders.keys, "public.pem"), "utf8").slice(0, 60)],
    ["the private key", () => readFileSync(join(folders.keys, "private.pem"), "utf8")],
  ])("with %s for its public keys is refused", (_name, text) => {
    const written = typeof text === "string" ? text : String(text());
    chmodSync(join(folders.keys, "public.pem"), 0o600);
    writeFileSync(join(folders.keys, "public.pem"), written);
    expect(refusal("revoke")).toContain("are not a pair");
  });
});

describe("a running primary", () => {
  let children: Children;
  let primary: Primary;
  let lines: string[];
  beforeEach(async () => {
    initDataset(folders);
    children = openChildren();
    lines = [];
    primary = openPrimary({
      ...folders,
      listen: `127.0.0.1:${freePort()}`,
      children,
      say: (line) => lines.push(line),
      timings: { probeEveryMs: 20 },
    });
    await primary.ready;
  });
  afterEach(async () => {
    await primary.stop();
    await children.close();
  });

  /** What sqld answers to the token: for a read, for a write, and as the gRPC status of a replica's first request. */
  async function answers(token: string): Promise<(number | string | null)[]> {
    const { url } = primary;
    const hello = await fetch(`${url}/wal_log.ReplicationLog/Hello`, {
      method: "POST",
      headers: { "x-authorization": `Bearer ${token}`, "content-type": "application/grpc-web" },
      body: new Uint8Array(5),
    });
    await hello.arrayBuffer();
    const read = await queryPrimary(url, token, "SELECT 1");
    const write = await queryPrimary(url, token, "INSERT INTO words (word) VALUES (hex(randomblob(8)))");
    return [read.status, write.status, hello.headers.get("grpc-status") ?? "0"];
  }
  const VALID = [200, 200, "0"];
  // 16: unauthenticated.
  const REFUSED = [401, 401, "16"];
  const change = async (what: KeyChange) => {
    const pid = primary.pid();
    changeKeys(folders.keys, what);
    await until("sqld has the keys", () => primary.state() === "up" && primary.pid() !== pid);
  };

  test("refuses a revoked token for reading, writing and replication, and loses nothing", async () => {
    const [old, oldReader] = [tokenFor(), tokenFor("read")];
    await queryPrimary(primary.url, old, "CREATE TABLE t (a INTEGER) STRICT");
    await queryPrimary(primary.url, old, "INSERT INTO t VALUES (41)");
    const replica = (token: string) =>
      new Libsql(join(folders.data, "..", "replica.db"), {
        syncUrl: primary.url,
        authToken: token,
      } as ConstructorParameters<typeof Libsql>[1]);
    const before = replica(oldReader);
    await before.sync();
    before.close();
    const dataset = readKeys(folders.keys).datasetId;
    expect(await answers(old)).toEqual(VALID);
    await change("revoke");
    expect(await answers(old)).toEqual(REFUSED);
    expect(await answers(oldReader)).toEqual(REFUSED);
    expect(await answers(tokenFor())).toEqual(VALID);
    expect((await queryPrimary(primary.url, tokenFor("read"), "SELECT a FROM t")).cell).toBe("41");
    expect((await queryPrimary(primary.url, tokenFor("read"), "SELECT id FROM dataset")).cell).toBe(dataset);
    expect(lines).toContain("sqld has new keys and is restarted");
    // It ended in order, so replicas continue.
    expect(readFileSync(join(folders.data, "sqld.log"), "utf8")).not.toContain("log is dirty");
    const after = replica(tokenFor("read"));
    await after.sync();
    expect(after.prepare("SELECT a FROM t").raw(true).all([])).toEqual([[41]]);
    after.close();
  });

  test("accepts the tokens of both keys until the change is finished", async () => {
    const old = tokenFor();
    await change("add");
    const fresh = tokenFor();
    expect([await answers(old), await answers(fresh)]).toEqual([VALID, VALID]);
    await change("finish");
    expect([await answers(old), await answers(fresh)]).toEqual([REFUSED, VALID]);
  });

  test("runs on while the folder is not whole, and takes the keys once it is", async () => {
    const pid = primary.pid();
    const old = tokenFor();
    const path = join(folders.keys, "public.pem");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, "");
    // Ten times as long as the pause between two looks at the folder.
    const untilMs = performance.now() + 200;
    await until("the folder was looked at", () => performance.now() > untilMs);
    expect((await queryPrimary(primary.url, old, "SELECT 1")).status).toBe(200);
    writeFileSync(path, text);
    expect(primary.pid()).toBe(pid);
    await change("revoke");
    expect((await queryPrimary(primary.url, old, "SELECT 1")).status).toBe(401);
  });

  test("refuses every forged token, with one key and with two", async () => {
    const revoked = tokenFor();
    await change("revoke");
    for (const step of ["one key", "two keys"] as const) {
      if (step === "two keys") await change("add");
      for (const [name, token] of forgeries(revoked)) {
        const { status } = await queryPrimary(primary.url, token, "SELECT 1");
        expect([step, name, status]).toEqual([step, name, 401]);
      }
      expect((await queryPrimary(primary.url, tokenFor(), "SELECT 1")).status).toBe(200);
    }
  });

  /** Tokens that nobody with the private key has made for now. */
  function forgeries(revoked: string): [string, string][] {
    const encode = (part: unknown): string =>
      Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
    const keys = readKeys(folders.keys);
    const seconds = Math.floor(Date.now() / 1_000);
    const claims = { a: "rw", dataset: keys.datasetId, iat: seconds, exp: seconds + 86_400 };
    const good = makeToken(keys, { kind: "write", days: 1 }, Date.now());
    const [head = "", body = "", mac = ""] = good.split(".");
    const [, , revokedMac = ""] = revoked.split(".");
    const stranger = generateKeyPairSync("ed25519").privateKey;
    const signedBy = (key: typeof stranger | string, header: unknown, content: unknown) => {
      const text = `${encode(header)}.${encode(content)}`;
      return `${text}.${sign(null, Buffer.from(text), key).toString("base64url")}`;
    };
    const hmac = (algorithm: string, secret: string) => {
      const text = `${encode({ alg: algorithm, typ: "JWT" })}.${encode(claims)}`;
      return `${text}.${createHmac(`sha${algorithm.slice(2)}`, secret)
        .update(text)
        .digest("base64url")}`;
    };
    const EDDSA = { alg: "EdDSA", typ: "JWT" };
    return [
      ["revoked", revoked],
      ["empty", ""],
      ["a word", "token"],
      ["two dots", ".."],
      ["no signature", `${head}.${body}.`],
      ["two parts", `${head}.${body}`],
      ["four parts", `${good}.${mac}`],
      ["the signature of a revoked one", `${head}.${body}.${revokedMac}`],
      ["a signature of zeros", `${head}.${body}.${Buffer.alloc(64).toString("base64url")}`],
      ["a short signature", `${head}.${body}.${mac.slice(0, 40)}`],
      ["other claims", `${head}.${encode({ ...claims, exp: seconds + 999_999 })}.${mac}`],
      ["no algorithm", `${encode({ alg: "none" })}.${encode(claims)}.`],
      ["no algorithm, in capitals", `${encode({ alg: "None" })}.${encode(claims)}.`],
      ["no algorithm, with a signature", `${encode({ alg: "none" })}.${encode(claims)}.${mac}`],
      ["a stranger's key", signedBy(stranger, EDDSA, claims)],
      [
        "a stranger's key in its head",
        signedBy(stranger, { ...EDDSA, jwk: { kty: "OKP", crv: "Ed25519" } }, claims),
      ],
      ["a stranger's key by a path", signedBy(stranger, { ...EDDSA, kid: "../public.pem" }, claims)],
      ["HMAC by the public key", hmac("HS256", keys.accepted)],
      ["HMAC by its first key", hmac("HS256", publicKeysIn(keys.accepted)[0] ?? "")],
      ["HMAC by nothing", hmac("HS256", "")],
      ["HMAC 512 by the public key", hmac("HS512", keys.accepted)],
      ["ended", makeToken(keys, { kind: "write", days: 1 }, Date.now() - 2 * 86_400_000)],
      ["ended as a text", signedBy(keys.privatePem, EDDSA, { ...claims, exp: "tomorrow" })],
      ["claims that are no object", signedBy(keys.privatePem, EDDSA, "[]")],
      ["claims that are no JSON", signedBy(keys.privatePem, EDDSA, "{")],
      ["an unknown right", signedBy(keys.privatePem, EDDSA, { ...claims, a: "admin" })],
      ["another algorithm", signedBy(keys.privatePem, { alg: "ES256", typ: "JWT" }, claims)],
      ["no head", `.${body}.${mac}`],
      ["a head that is no JSON", signedBy(keys.privatePem, "{", claims)],
      ["base64 instead of base64url", `${head}.${body}.${mac}==`],
      ["a line end", `${good}%0a`],
    ];
  }
});

test("the command changes keys and says what has to follow", () => {
  makeKeys(folders.keys, "ab".repeat(16));
  const run = (...words: string[]) => {
    const command = [process.execPath, join(import.meta.dir, "command.ts"), ...words, "--keys", folders.keys];
    const { exitCode, stdout, stderr } = Bun.spawnSync(command);
    return [exitCode, stdout.toString().trim(), stderr.toString().trim()];
  };
  const TAKES = ". A running primary takes the keys within seconds";
  expect(run("rotate", "--finish")).toEqual([
    1,
    "",
    `primary: ${folders.keys} accepts one key only: there is nothing to finish`,
  ]);
  expect(run("rotate")).toEqual([
    0,
    `a new key signs tokens from now on; tokens made before stay valid until rotate --finish${TAKES}`,
    "",
  ]);
  expect(run("rotate", "--finish")).toEqual([0, `only tokens of the newest key are valid${TAKES}`, ""]);
  const before = tokenFor();
  expect(run("revoke")).toEqual([
    0,
    `every token made before is refused: each node needs new ones (run primary token)${TAKES}`,
    "",
  ]);
  expect([isAccepted(before), isAccepted(tokenFor())]).toEqual([false, true]);
});
