// The import command: arguments, exit codes and output.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importCommand } from "./command.ts";
import type { OpenShoeStore } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-command-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => runUntil(new AbortController().signal, ...args);

/** Runs the command until the signal interrupts it. */
async function runUntil(signal: AbortSignal, ...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const save: OpenShoeStore["save"] = async (drafts) => ({ added: drafts.length, replaced: 0, unchanged: 0 });
  const store: OpenShoeStore = {
    save,
    preview: save,
    finish: async () => 0,
    removeDemo: async () => 1000,
    close: async () => {},
  };
  const code = await importCommand(args, {
    env: { DATA_DIR: join(folder, "data") },
    openStore: () => store,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    hasBar: false,
    signal,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const GOOD = write("good.csv", "id,name,price,kind\n1,A,10,x\n2,B,10,y\n");
const BAD = write("bad.csv", "id,name,price\n1,A,10\n2,B,\n");

describe("exit codes", () => {
  test("0 and the summary when all rows were imported", async () => {
    const { code, out, err } = await run(GOOD);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe(
      "Read 2 = 2 added + 0 replaced + 0 unchanged + 0 duplicates + 0 rejected\n  1000 demo shoes were removed",
    );
  });

  test("2 and the path of the rejects file when some rows were refused", async () => {
    const { code, out } = await run(BAD, "--keep-demo");
    expect(code).toBe(2);
    expect(out).toContain("+ 1 rejected");
    expect(out).toContain(join(folder, "data", "bad.rejects.ndjson"));
    expect(out).not.toContain("demo");
    expect((await run(BAD, "--rejects", join(folder, "r.ndjson"))).out).toContain(join(folder, "r.ndjson"));
  });

  test("--where and --dry-run appear in the summary", async () => {
    const { code, out } = await run(GOOD, "--where", "Kind=x", "--dry-run");
    expect(code).toBe(0);
    expect(out).toBe(
      "Dry run, nothing was written: read 1 = 1 added + 0 replaced + 0 unchanged + 0 duplicates + 0 rejected\n" +
        "  1 further rows were left out by --where",
    );
  });

  test("130 when it was interrupted, and the summary says how to go on", async () => {
    expect(await runUntil(AbortSignal.abort(), BAD)).toEqual({
      code: 130,
      out: "Interrupted: 0 added, 0 replaced, 0 unchanged. Run the import again to continue.",
      err: "",
    });
  });

  test("-h prints the usage", async () => expect((await run("-h")).out).toContain("usage: bun run import"));
});

describe("1 and an error message", () => {
  const MAP = write("map.json", '{"title": "nowhere"}');
  const rows: [args: string[], reason: string][] = [
    [[], "name a file"],
    [[join(folder, "none.csv")], "no such file"],
    [[folder], "it is not a file"],
    [[GOOD, "--frobnicate"], "--frobnicate"],
    [[GOOD, "--on-conflict", "maybe"], "skip, replace, fail"],
    [[GOOD, "--where", "kind"], "column=value"],
    [[GOOD, "--where", "sort=x"], "has no column sort"],
    [[GOOD, "--rate", "EUR"], "EUR=1.08"],
    [[GOOD, "--map", MAP], "has no column nowhere"],
    [[GOOD, "--map", BAD], "--map"],
    [[GOOD, "--map", join(folder, "none.json")], "no such file"],
    [[GOOD, "--rejects", GOOD], "must not be a file that is imported"],
    [[GOOD, BAD, "--rejects", BAD], "must not be a file that is imported"],
    [[write("odd.csv", "a,b\n1,2\n")], "no column for the title"],
    [[write("free.csv", "name,b\n1,2\n")], "no column for the price"],
    [[write("empty.csv", "")], "it is empty"],
    [[write("odd.json", '{"a":\n1}')], "contains no array of objects"],
  ];
  test.each(rows)("%p", async (args, reason) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(reason);
    expect(err).toMatch(/^import: .+$/);
  });
});
