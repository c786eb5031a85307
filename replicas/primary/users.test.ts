// Users of their own for sqld and the door: sqld reads no key, and a supervisor with six capabilities is enough.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { freePort } from "../../db/ports.ts";
import { until } from "../../db/until.ts";
import { isAlive, MADE_UP_DOOR, openScratch, querySqld } from "../testing/primary.ts";
import { type Children, openChildren } from "./children.ts";
import { databaseFile, initDataset, readDataset } from "./dataset.ts";
import { findSqld } from "./sqld.ts";
import { openPrimary, type Primary } from "./supervisor.ts";
import { asUser, findUsers, ownFolder } from "./users.ts";

const SQLD = { uid: 65_011, gid: 65_011 };
const DOOR = { uid: 65_012, gid: 65_012 };
const NAMES = ["65011:65011", "65012:65012"] as const;
const isRoot = process.getuid?.() === 0;
const canRunAs = (program: string): boolean =>
  Bun.spawnSync([...asUser(SQLD), program, "--version"], { env: {} }).exitCode === 0;
/** Needs root, setpriv, and programs that other users may run, as in CI. */
const canSwitch =
  isRoot && Bun.which("setpriv") !== null && canRunAs(process.execPath) && canRunAs(findSqld());

const scratch = openScratch();
afterAll(scratch.remove);
let folders = { data: "", keys: "" };
let children: Children;
let primary: Primary | undefined;
beforeEach(() => {
  const folder = mkdtempSync(join(scratch.path, "each-"));
  for (const path of [scratch.path, folder]) chmodSync(path, 0o711);
  folders = { data: join(folder, "data"), keys: join(folder, "keys") };
  initDataset(folders);
  children = openChildren();
});
afterEach(async () => {
  await primary?.stop();
  primary = undefined;
  await children.close();
});

/** The ids, capabilities and groups of a process, as Linux shows them. */
function statusOf(pid: number): Record<string, string> {
  const rows = readFileSync(`/proc/${pid}/status`, "utf8").matchAll(/^(\w+):[ \t]*(.*?)[ \t]*$/gm);
  return Object.fromEntries([...rows].map(([, name, value]) => [name, value?.replaceAll("\t", " ")]));
}
const powerless = ({ uid, gid }: typeof SQLD) => ({
  Uid: [uid, uid, uid, uid].join(" "),
  Gid: [gid, gid, gid, gid].join(" "),
  Groups: "",
  CapPrm: "0".repeat(16),
  CapEff: "0".repeat(16),
  CapAmb: "0".repeat(16),
  NoNewPrivs: "1",
});

describe.skipIf(!canSwitch)("as root", () => {
  const open = async (): Promise<Primary> => {
    const opened = openPrimary({
      ...folders,
      listen: `127.0.0.1:${freePort()}`,
      users: findUsers(...NAMES),
      children,
      say() {},
      timings: { probeEveryMs: 20 },
      doorProgram: MADE_UP_DOOR,
    });
    primary = opened;
    await opened.ready;
    return opened;
  };

  test("sqld and the door run as users without rights, and only sqld's user has the data", async () => {
    const opened = await open();
    const [sqld, door] = [must(opened.pid(), "sqld"), must(opened.door(), "the door")];
    expect(statusOf(sqld)).toMatchObject(powerless(SQLD));
    expect(statusOf(door)).toMatchObject(powerless(DOOR));
    const names = readdirSync(folders.data, { recursive: true, encoding: "utf8" });
    const found = [".", ...names].map((name) => ({ name, stat: lstatSync(join(folders.data, name)) }));
    expect(found.filter(({ stat }) => (stat.mode & 0o077) !== 0)).toEqual([]);
    const others = found.filter(({ stat }) => stat.uid !== SQLD.uid).map(({ name }) => name);
    expect(others.filter((name) => !/^(sqld\.log|sqld\.pid|door\.pid)$/.test(name))).toEqual([]);
  });

  test("the token that opens all of sqld reads no key of the dataset", async () => {
    const opened = await open();
    const read = (path: string) => querySqld(opened, `SELECT length(readfile('${path}'))`);
    // It does read what is its own.
    expect(Number((await read(join(folders.data, ".version"))).cell)).toBeGreaterThan(0);
    for (const name of ["private.pem", "public.pem", "dataset.json"])
      expect((await read(join(folders.keys, name))).cell).toBeUndefined();
    const write = await querySqld(opened, `SELECT writefile('${join(folders.keys, "made")}', 'x')`);
    expect(write.cell).toBeUndefined();
    expect(readdirSync(folders.keys)).not.toContain("made");
  });

  test("a killed sqld is started again, and a stopped one goes on with its log", async () => {
    const opened = await open();
    const before = opened.pid();
    await querySqld(opened, "CREATE TABLE t (a INTEGER) STRICT");
    opened.kill();
    await until("another sqld runs", () => opened.state() === "up" && opened.pid() !== before);
    expect((await querySqld(opened, "SELECT count(*) FROM t")).cell).toBe("0");
    const sqld = must(opened.pid(), "sqld");
    await opened.stop();
    expect(isAlive(sqld)).toBe(false);
    writeFileSync(join(folders.data, "sqld.log"), "");
    expect((await querySqld(await open(), "SELECT count(*) FROM t")).cell).toBe("0");
    expect(readFileSync(join(folders.data, "sqld.log"), "utf8")).not.toContain("log is dirty");
  });

  test("links that sqld's user puts into its folder lead the supervisor nowhere", async () => {
    const victim = join(folders.keys, "victim");
    writeFileSync(victim, "kept", { mode: 0o600 });
    for (const name of ["sqld.log", "sqld.pid", "door.pid"]) symlinkSync(victim, join(folders.data, name));
    const opened = await open();
    expect(Number(readFileSync(join(folders.data, "sqld.pid"), "utf8"))).toBe(must(opened.pid(), "sqld"));
    await opened.stop();
    expect(readFileSync(victim, "utf8")).toBe("kept");
    expect(lstatSync(victim).uid).toBe(0);
    symlinkSync(victim, join(folders.data, "made"));
    chmodSync(victim, 0o644);
    ownFolder(folders.data, SQLD);
    expect([lstatSync(victim).uid, lstatSync(join(folders.data, "made")).uid]).toEqual([0, SQLD.uid]);
    expect(lstatSync(victim).mode & 0o777).toBe(0o644);
    rmSync(join(folders.data, "lock"));
    symlinkSync(victim, join(folders.data, "lock"));
    await expect(open()).rejects.toThrow("lock is a link: remove it");
  });

  test("the dataset is read as sqld's user, who may have written anything into the file", () => {
    expect(() => readDataset(databaseFile(folders.data), SQLD)).toThrow("cannot be read");
    ownFolder(folders.data, SQLD);
    expect(readDataset(databaseFile(folders.data), SQLD)?.id).toMatch(/^[0-9a-f]{32}$/);
  });

  test("the command needs six capabilities, and its processes get none", async () => {
    const kept = ["chown", "dac_override", "fowner", "kill", "setgid", "setuid"].map((name) => `+${name}`);
    const limits = ["setpriv", "--groups=0", `--bounding-set=-all,${kept.join()}`, "--no-new-privs", "--"];
    const [sqldUser, doorUser] = NAMES;
    const words = ["--data", folders.data, "--keys", folders.keys, "--listen", `127.0.0.1:${freePort()}`];
    words.push("--sqld-user", sqldUser, "--door-user", doorUser);
    const command = Bun.spawn([...limits, process.execPath, join(import.meta.dir, "command.ts"), ...words], {
      stdout: "pipe",
      stderr: "inherit",
    });
    const { value } = await command.stdout.getReader().read();
    const line = new TextDecoder().decode(value);
    const [door = 0, sqld = 0] = /door (\d+), sqld (\d+)/.exec(line)?.slice(1).map(Number) ?? [];
    expect(statusOf(sqld)).toMatchObject(powerless(SQLD));
    expect(statusOf(door)).toMatchObject(powerless(DOOR));
    command.kill("SIGTERM");
    expect(await command.exited).toBe(0);
    expect([sqld, door].filter(isAlive)).toEqual([]);
    expect(readFileSync(join(folders.data, "sqld.log"), "utf8")).toContain("shutdown gracefully");
  });

  test.each([
    ["nobody-of-this-name", "65012:65012", "nobody-of-this-name is no user of this machine"],
    ["65011:65011", "", " is no user of this machine"],
    ["0:0", "65012:65012", "0:0 is root: name a user without rights"],
    ["root", "65012:65012", "root is root: name a user without rights"],
    ["65011:65011", "65011:65011", "--sqld-user and --door-user must be two users"],
  ])("refuses the users %j and %j", (sqld, door, sentence) => {
    expect(() => findUsers(sqld, door)).toThrow(sentence);
  });
});

test("a folder from before is taken from other users", async () => {
  for (const [path, mode] of [
    [folders.data, 0o755],
    [join(folders.data, "dbs"), 0o755],
    [join(folders.data, "dbs", "default", "data"), 0o644],
  ] as const)
    chmodSync(path, mode);
  ownFolder(folders.data, undefined);
  const names = readdirSync(folders.data, { recursive: true, encoding: "utf8" });
  expect([".", ...names].filter((name) => (lstatSync(join(folders.data, name)).mode & 0o077) !== 0)).toEqual(
    [],
  );
});
