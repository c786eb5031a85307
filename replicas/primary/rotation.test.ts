// Changed keys: whatever interrupts a change leaves a pair, and a running primary then refuses every revoked token, and no other.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHmac, generateKeyPairSync, sign, verify } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Libsql from "libsql";
import { must } from "../../db/must.ts";
import { freePort } from "../../db/ports.ts";
import { type CommitRequest, DOOR } from "../../db/server/door-protocol.ts";
import { until } from "../../db/until.ts";
import { openScratch } from "../testing/primary.ts";
import { type Children, openChildren } from "./children.ts";
import { initDataset } from "./dataset.ts";
import { type Grant, makeKeys, makeToken, publicKeysIn, readKeys, signToken } from "./keys.ts";
import { lockFolder } from "./lock.ts";
import { revokeToken } from "./revoked.ts";
import { changeKeys, type KeyChange } from "./rotation.ts";
import { openPrimary, type Primary } from "./supervisor.ts";

const WRITE =
  "INSERT INTO audit (at, actor_kind, action, subject, detail) VALUES (0, 'system', 'test', '1', '{}')";

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
  beforeEach(async () => {
    initDataset(folders);
    children = openChildren();
    primary = openPrimary({
      ...folders,
      listen: `127.0.0.1:${freePort()}`,
      children,
      say() {},
    });
    await primary.ready;
    await until("the door knows sqld", async () => (await read(tokenFor())) === 200);
  });
  afterEach(async () => {
    await primary.stop();
    await children.close();
  });

  const statusOf = async (path: string, token: string, init: RequestInit = {}): Promise<number> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(`${primary.url}${path}`, { ...init, headers });
    const text = await response.text();
    // What was asked for was done.
    if (path === DOOR.commit && response.ok) expect(JSON.parse(text).outcomes).toMatchObject([{ ok: true }]);
    return response.status;
  };
  const read = (token: string) => statusOf(DOOR.dataset, token);
  const write = (token: string) => {
    const insert = { sql: WRITE, args: [] };
    const members = [{ writeId: crypto.randomUUID(), statements: [insert] }];
    const body: CommitRequest = { dataset: readKeys(folders.keys).datasetId, waitMs: 5_000, members };
    return statusOf(DOOR.commit, token, { method: "POST", body: JSON.stringify(body) });
  };
  /** What the door answers to the token: for a read, for a write, and to a replica's first request. */
  async function answers(token: string): Promise<number[]> {
    const hello = await fetch(`${primary.url}/wal_log.ReplicationLog/Hello`, {
      method: "POST",
      headers: { "x-authorization": `Bearer ${token}`, "content-type": "application/grpc-web" },
      body: new Uint8Array(5),
    });
    await hello.arrayBuffer();
    return [await read(token), await write(token), hello.status];
  }
  const VALID = [200, 200, 200];
  const REFUSED = [401, 401, 401];
  /** Changes the keys and waits until the door has them, by a token that shows it. */
  const change = async (what: KeyChange, token: () => string, status: number) => {
    changeKeys(folders.keys, what);
    const asked = token();
    await until("the door has the keys", async () => (await read(asked)) === status);
  };

  test("refuses a revoked token for reading, writing and replication, and loses nothing", async () => {
    const [old, oldReader, processes] = [tokenFor(), tokenFor("read"), [primary.pid(), primary.door()]];
    const replica = (token: string) =>
      new Libsql(join(folders.data, "..", "replica.db"), {
        syncUrl: primary.url,
        authToken: token,
      } as ConstructorParameters<typeof Libsql>[1]);
    const rows = (of: Libsql.Database) => of.prepare("SELECT count(*) FROM audit").raw(true).get([]);
    const before = replica(oldReader);
    expect(await answers(old)).toEqual(VALID);
    await before.sync();
    expect(rows(before)).toEqual([1]);
    before.close();
    await change("revoke", () => old, 401);
    expect(await answers(old)).toEqual(REFUSED);
    expect(await answers(oldReader)).toEqual(REFUSED);
    expect(await answers(tokenFor())).toEqual(VALID);
    expect([primary.pid(), primary.door()]).toEqual(processes);
    const after = replica(tokenFor("read"));
    await after.sync();
    expect(rows(after)).toEqual([2]);
    after.close();
  });

  test("refuses one revoked token within a second, and no other", async () => {
    const [bad, good] = [tokenFor(), tokenFor()];
    expect([await answers(bad), await answers(good)]).toEqual([VALID, VALID]);
    revokeToken(folders.keys, bad, Date.now());
    const refusedMs = await until("it is refused", async () => (await read(bad)) === 401);
    expect(refusedMs).toBeLessThan(1_000);
    expect([await answers(bad), await answers(good)]).toEqual([REFUSED, VALID]);
    // So is one from before tokens had an id.
    const { datasetId, privatePem } = readKeys(folders.keys);
    const old = signToken(privatePem, {
      a: "rw",
      dataset: datasetId,
      exp: Math.floor(Date.now() / 1_000) + 60,
    });
    expect(await answers(old)).toEqual(VALID);
    revokeToken(folders.keys, old, Date.now());
    await until("it is refused", async () => (await read(old)) === 401);
    // A door that is started later knows them too.
    const door = primary.door();
    primary.killDoor();
    await until("another door listens", () => ![undefined, door].includes(primary.door()));
    await until("it knows sqld", async () => (await read(good)) === 200);
    expect([await answers(bad), await answers(old)]).toEqual([REFUSED, REFUSED]);
  });

  test("accepts the tokens of both keys until the change is finished", async () => {
    const old = tokenFor();
    await change("add", tokenFor, 200);
    const fresh = tokenFor();
    expect([await answers(old), await answers(fresh)]).toEqual([VALID, VALID]);
    await change("finish", () => old, 401);
    expect([await answers(old), await answers(fresh)]).toEqual([REFUSED, VALID]);
  });

  test("pauses no write while keys are changed", async () => {
    const processes = [primary.pid(), primary.door()];
    const old = tokenFor();
    let [token, isOver] = [old, false];
    const statuses: number[] = [];
    const writing = (async () => {
      while (!isOver) statuses.push(await write(token));
    })();
    await change("add", tokenFor, 200);
    token = tokenFor();
    const later = statuses.length + 2;
    await until("writes go on with the new token", () => statuses.length >= later);
    await change("finish", () => old, 401);
    const last = statuses.length + 2;
    await until("writes go on", () => statuses.length >= last);
    isOver = true;
    await writing;
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect([primary.pid(), primary.door()]).toEqual(processes);
  });

  test("refuses every forged token, with one key and with two", async () => {
    const revoked = tokenFor();
    await change("revoke", () => revoked, 401);
    for (const step of ["one key", "two keys"] as const) {
      if (step === "two keys") await change("add", tokenFor, 200);
      for (const [name, token] of forgeries(revoked)) {
        expect([step, name, await read(token)]).toEqual([step, name, 401]);
      }
      expect(await read(tokenFor())).toBe(200);
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
  const TAKES = ". A running primary takes the keys within a second";
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
