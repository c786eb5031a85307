// The scripts that install what the bench needs, with stand-ins for the programs that they call: nothing is installed.
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OHA_VERSION } from "./oha.ts";

const SCRIPTS = join(import.meta.dir, "..");
const PEERS = ["express-postgres-redis", "fastify-sqlite", "pocketbase"];
const PACKAGES = ["initdb", "redis-server", "g++", "make", "python3"];
const SYSTEM = ["bash", "env", "dirname", "readlink", "rm", "mkdir"];

const scratch = mkdtempSync(join(tmpdir(), "insole-install-"));
afterAll(() => rmSync(scratch, { recursive: true }));
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(scratch, "each-"));
  mkdirSync(join(root, "bin"));
});

/** A program of this name that writes its arguments into a file beside it, and then runs these lines. */
function standIn(path: string, lines = ""): void {
  writeFileSync(path, `#!/bin/bash\necho "$@" >>"$0.calls"\n${lines}\n`);
  chmodSync(path, 0o755);
}
const inPath = (name: string, lines = "") => standIn(join(root, "bin", name), lines);
const callsOf = (path: string): string =>
  existsSync(`${path}.calls`) ? readFileSync(`${path}.calls`, "utf8") : "";

/** Runs a script that finds the stand-ins and these programs of the system, and no other. */
function run(script: string, ...args: string[]) {
  for (const name of SYSTEM) {
    const [program, path] = [Bun.which(name), join(root, "bin", name)];
    if (program !== null && !existsSync(path)) symlinkSync(program, path);
  }
  const env = { HOME: root, PATH: join(root, "bin") };
  const { exitCode, stdout, stderr } = Bun.spawnSync([script, ...args], { env });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

describe("bench/install-oha", () => {
  const SCRIPT = join(SCRIPTS, "install-oha");

  test("installs by cargo over another version", () => {
    inPath("oha", "echo oha 1.0.0");
    inPath("cargo");
    expect(run(SCRIPT).code).toBe(0);
    expect(callsOf(join(root, "bin", "cargo"))).toBe(`install --locked oha --version ${OHA_VERSION}\n`);
  });

  test("does nothing where the version is installed", () => {
    inPath("oha", `echo oha ${OHA_VERSION}`);
    inPath("cargo");
    expect(run(SCRIPT)).toEqual({
      code: 0,
      out: `oha ${OHA_VERSION} is installed: ${join(root, "bin", "oha")}\n`,
      err: "",
    });
    expect(callsOf(join(root, "bin", "cargo"))).toBe("");
  });

  test("says what is missing without cargo, and refuses an argument", () => {
    expect(run(SCRIPT)).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("cargo is not installed"),
    });
    expect(run(SCRIPT, "now")).toMatchObject({
      code: 1,
      err: expect.stringContaining("unknown argument now"),
    });
    expect(run(SCRIPT, "-h")).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringContaining("usage: bench/install-oha"),
    });
  });
});

describe("bench/install-peers", () => {
  let script = "";
  beforeEach(() => {
    script = join(root, "bench", "install-peers");
    for (const peer of PEERS) mkdirSync(join(root, "bench", "peers", peer), { recursive: true });
    copyFileSync(join(SCRIPTS, "install-peers"), script);
    mkdirSync(join(root, "node_modules", ".bin"), { recursive: true });
    for (const name of [...PACKAGES, "node", "go"]) inPath(name);
  });
  const bun = (lines = "") => standIn(join(root, "node_modules", ".bin", "bun"), lines);

  test("installs the packages of both, and builds PocketBase", () => {
    bun();
    const { code, out, err } = run(script);
    expect([code, err]).toEqual([0, ""]);
    expect(out.trim().split("\n").sort()).toEqual([
      "Express, pg and redis are installed",
      "Fastify and better-sqlite3 are installed",
      "PocketBase is installed",
      "PostgreSQL and Redis are installed",
    ]);
    expect(callsOf(join(root, "bin", "go"))).toBe("build -trimpath -o data/pocketbase .\n");
  });

  test("names each part that failed, installs the others, and ends with 1", () => {
    bun('[[ "$PWD" != */express-* ]]');
    inPath("go", "exit 1");
    expect(run(script)).toEqual({
      code: 1,
      out: "PostgreSQL and Redis are installed\nFastify and better-sqlite3 are installed\n",
      err: "install-peers: could not install Express\ninstall-peers: could not install PocketBase\n",
    });
  });
});
