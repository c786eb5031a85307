// Real files on machines that fail: a full and a read-only disk, bounds of the system, and files that are removed or corrupt.
import { afterAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFile } from "../file.ts";
import { must } from "../must.ts";
import { openHandle } from "../read/reader.ts";
import { migrate } from "../schema/migrate.ts";
import { COUNT_WORDS, expectRefusal, failure, word } from "../testing/contract-parts.ts";
import { canMount, withLimit, withReadOnly, withSmallDisk } from "../testing/small-disk.ts";

const root = mkdtempSync(join(tmpdir(), "insole-machine-"));
let folders = 0;
afterAll(() => rmSync(root, { recursive: true }));

function freshFolder(): string {
  const folder = join(root, `${++folders}`);
  mkdirSync(folder);
  return folder;
}

function freshPath(): string {
  const path = join(freshFolder(), "insole.db");
  migrate(path);
  return path;
}

/** What a child saw: the outcomes of its writes, the last outage, and the words that it found at the end. */
type Seen = {
  outcomes: string[];
  outage: { reason: string; error: string; writes: number } | null;
  words: number;
};

/** Runs `work` in a child with `path`, `write(text)`, `outcomes` and Node's `fs`; resolves with what it saw. */
async function inChild(path: string, work: string, command: (child: string[]) => string[]): Promise<Seen> {
  const code = `
    import * as fs from "node:fs";
    import { openFile } from ${JSON.stringify(join(import.meta.dir, "../file.ts"))};
    import { migrate } from ${JSON.stringify(join(import.meta.dir, "../schema/migrate.ts"))};
    const path = ${JSON.stringify(path)};
    if (!fs.existsSync(path)) migrate(path);
    const db = openFile(path);
    const outcomes = [];
    const write = async (text) => {
      const outcome = await db.write([{ sql: "INSERT INTO words (word) VALUES (?)", args: [text] }], text).then(() => "done", ({ kind }) => kind);
      outcomes.push(outcome);
      return outcome;
    };
    let outage = null;
    ${work}
    const [words] = db.read.get("SELECT count(*) FROM words");
    console.log(JSON.stringify({ outcomes, outage, words }));
    await db.close();
    process.exit(0);`;
  const child = Bun.spawn(command([process.execPath, "-e", code]), { stdout: "pipe", stderr: "pipe" });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect([await child.exited, errors]).toEqual([0, ""]);
  return JSON.parse(output);
}

describe("a write", () => {
  test.skipIf(!canMount)(
    "on a full disk is unwritable; reads go on, and it heals when there is space",
    async () => {
      const folder = freshFolder();
      const work = `
      await write("before");
      const filler = fs.openSync(${JSON.stringify(join(folder, "filler"))}, "w");
      const block = Buffer.alloc(4096);
      try { for (;;) fs.writeSync(filler, block); } catch {}
      for (let index = 0; outcomes.at(-1) === "done" && index < 100; index += 1) await write(index + "x".repeat(20000));
      const acknowledged = outcomes.filter((outcome) => outcome === "done").length;
      await write("full " + "x".repeat(20000));
      ({ outage } = db.writeQueue());
      if (db.read.get("SELECT count(*) FROM words")[0] !== acknowledged) throw new Error("a write is lost, or half done");
      fs.ftruncateSync(filler, 0);
      await write("after");
      if (db.writeQueue().outage !== null) throw new Error("it goes on");`;
      const { outcomes, outage, words } = await inChild(join(folder, "insole.db"), work, (child) =>
        withSmallDisk(folder, 2_048, child),
      );
      expect(outage).toMatchObject({ reason: "disk-full", error: "database or disk is full", writes: 2 });
      expect(outcomes.slice(-3)).toEqual(["unwritable", "unwritable", "done"]);
      expect(words).toBe(outcomes.filter((outcome) => outcome === "done").length);
    },
  );

  test.skipIf(!canMount)("on a read-only disk is unwritable", async () => {
    const path = freshPath();
    const live = openFile(path);
    await live.write([word("before")]);
    const work = `await write("a"); ({ outage } = db.writeQueue());`;
    const { outcomes, outage, words } = await inChild(path, work, (child) =>
      withReadOnly(join(path, ".."), child),
    );
    expect(outcomes).toEqual(["unwritable"]);
    expect(outage).toMatchObject({
      reason: "read-only",
      error: expect.stringContaining("readonly database"),
    });
    expect(words).toBe(1);
    await live.close();
  });

  test("beyond the bound of a file's size is unwritable", async () => {
    const work = `
      for (let index = 0; outcomes.at(-1) !== "unwritable" && index < 200; index += 1) await write(index + "x".repeat(20000));
      ({ outage } = db.writeQueue());`;
    const path = freshPath();
    const { outcomes, outage, words } = await inChild(path, work, (child) => withLimit("-f 4000", child));
    expect(outcomes.at(-1)).toBe("unwritable");
    expect(outage).toMatchObject({ reason: "io-error", error: expect.stringContaining("SQLITE_IOERR") });
    expect(words).toBe(outcomes.length - 1);
  });

  test("without a free file descriptor is unwritable, and heals when there are some", async () => {
    const work = `
      const taken = [];
      try { for (;;) taken.push(fs.openSync("/dev/null", "r")); } catch {}
      for (const descriptor of taken.splice(-2)) fs.closeSync(descriptor);
      await write("a");
      ({ outage } = db.writeQueue());
      for (const descriptor of taken) fs.closeSync(descriptor);
      await write("a");`;
    const { outcomes, outage, words } = await inChild(freshPath(), work, (child) =>
      withLimit("-n 200", child),
    );
    expect(outcomes).toEqual(["unwritable", "done"]);
    expect(outage).toMatchObject({ reason: "no-descriptors", error: expect.not.stringContaining("/") });
    expect(words).toBe(1);
  });

  test("to a removed file is refused, not lost with it; it heals when the file is put back", async () => {
    const path = freshPath();
    const db = openFile(path);
    await db.write([word("before")]);
    renameSync(path, `${path}-away`);
    expectRefusal(await failure(db.write([word("lost")])), "unwritable");
    expect(db.writeQueue().outage).toMatchObject({ reason: "file-missing", writes: 1 });
    expect(db.read.get(COUNT_WORDS)).toEqual([1]);
    writeFileSync(path, "");
    expectRefusal(await failure(db.write([word("to another file")])), "unwritable");
    renameSync(`${path}-away`, path);
    await db.write([word("after")]);
    expect(db.writeQueue()).toMatchObject({ outage: null, failures: { "file-missing": 2 } });
    await db.close();
  });

  test("after the log was removed is refused, and the end keeps what was acknowledged", async () => {
    const path = freshPath();
    const db = openFile(path);
    await db.write([word("before")]);
    rmSync(`${path}-wal`);
    expectRefusal(await failure(db.write([word("lost")])), "unwritable");
    expect(db.writeQueue().outage).toMatchObject({ reason: "file-missing" });
    await db.close();
    const again = openFile(path);
    expect(again.read.all("SELECT word FROM words")).toEqual([["before"]]);
    await again.write([word("after")]);
    await again.close();
  });

  test("to a corrupt page is unwritable, and others are not", async () => {
    const path = freshPath();
    const handle = openHandle(path, 1_000);
    const fill = handle.prepare("INSERT INTO words (word) VALUES (?)");
    handle.exec("BEGIN");
    for (let index = 0; index < 2_000; index += 1) fill.run([`word ${index}`]);
    handle.exec("COMMIT");
    const [page] = handle
      .prepare("SELECT rootpage FROM sqlite_master WHERE name = 'words'")
      .raw(true)
      .get([]) as [number];
    handle.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    handle.close();
    const file = openSync(path, "r+");
    writeSync(file, new Uint8Array(4_096).fill(0xee), 0, 4_096, (page - 1) * 4_096);
    closeSync(file);
    const db = openFile(path);
    expectRefusal(await failure(db.write([word("a")])), "unwritable");
    expect(db.writeQueue().outage).toMatchObject({ reason: "corrupt", writes: 1 });
    await db.write([{ sql: "INSERT INTO changes (kind) VALUES ('session')" }]);
    expect(db.writeQueue()).toMatchObject({ breaker: "closed", failures: { corrupt: 1 } });
    await db.close();
  });

  test("to a file that is no database is unwritable", async () => {
    const path = freshPath();
    const db = openFile(path);
    // Not open for writing yet.
    rmSync(`${path}-wal`, { force: true });
    rmSync(`${path}-shm`, { force: true });
    writeFileSync(path, "no database ".repeat(1_000));
    expectRefusal(await failure(db.write([word("a")])), "unwritable");
    expect(must(db.writeQueue().outage, "the outage").reason).toBe("corrupt");
    await db.close();
  });
});

test("the probe of a failing machine leaves no file behind", async () => {
  const path = freshPath();
  const db = openFile(path);
  renameSync(path, `${path}-away`);
  await failure(db.write([word("a")]));
  renameSync(`${path}-away`, path);
  await db.write([word("a")]);
  expect(statSync(`${path}-probe`, { throwIfNoEntry: false })).toBeUndefined();
  await db.close();
});
