// Modes of the shop's files: under any umask only their owner may read the files that a command creates.
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { migrate } from "../db/schema/migrate.ts";
import { openFolder } from "./testing/shop.ts";

const ROOT = join(import.meta.dir, "..");
const PASSWORD = "a long enough password";
const folder = openFolder();
afterAll(folder.remove);
const csv = join(folder.path, "shoes.csv");
writeFileSync(csv, "id,title,price\na,A shoe,10\nb,,10\n");

type Entrance = { name: string; args: string[]; typed?: string; serves?: boolean };
const ENTRANCES: Entrance[] = [
  { name: "start", args: ["app/main.ts"], serves: true },
  { name: "import", args: ["app/import/command.ts", csv] },
  { name: "demo", args: ["app/import/demo/command.ts", "--shoes", "10"] },
  { name: "admin", args: ["app/accounts/admin-command.ts", "owner@shop.example"], typed: PASSWORD },
  { name: "key", args: ["app/accounts/key-command.ts", "nightly"] },
  { name: "migrate", args: ["db/schema/command.ts"] },
];

/** Runs a command under the common umask 022; stops the service as soon as it logs that it is open. */
async function run({ args, typed = "", serves = false }: Entrance, dataDir: string): Promise<string> {
  const child = Bun.spawn(["/bin/sh", "-c", 'umask 022; exec "$@"', "sh", process.execPath, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? "", DATA_DIR: dataDir, PORT: "0", DEMO: "false", LOG_FORMAT: "json" },
    stdin: new Blob([typed]),
    stdout: "pipe",
    stderr: "pipe",
  });
  let out = "";
  let isOpen = false;
  for await (const chunk of child.stdout) {
    out += new TextDecoder().decode(chunk);
    // Once: the files beside the database go while the shop closes, and its log goes on.
    if (serves && !isOpen && out.includes("the shop is open")) {
      isOpen = true;
      // As the files are while the shop runs: with a log and shared memory beside the database.
      out += JSON.stringify(modesIn(dataDir));
      child.kill("SIGTERM");
    }
  }
  await child.exited;
  return out;
}

/** The mode of a folder and of everything in it, by name. */
const modesIn = (dataDir: string): Record<string, string> =>
  Object.fromEntries(
    [".", ...readdirSync(dataDir)].map((name) => [
      name,
      (statSync(join(dataDir, name)).mode & 0o777).toString(8),
    ]),
  );

/** The paths that other users can read. */
const openToOthers = (modes: Record<string, string>): string[] =>
  Object.entries(modes)
    .filter(([, mode]) => !mode.endsWith("00"))
    .map(([name, mode]) => `${name} ${mode}`);

describe.each(ENTRANCES)("$name", (entrance) => {
  test("creates its folder and files with modes 0700 and 0600", async () => {
    const dataDir = join(folder.path, `new-${entrance.name}`, "data");
    const out = await run(entrance, dataDir);
    expect(Object.keys(modesIn(dataDir))).toContain("insole.db");
    expect(openToOthers(modesIn(dataDir))).toEqual([]);
    if (entrance.serves) expect(out).toContain('"insole.db-wal":"600"');
  });

  test("closes the files of an earlier version to other users", async () => {
    const dataDir = join(folder.path, `old-${entrance.name}`);
    const old = join(dataDir, "insole.db");
    for (const name of ["mail", "mail-preview"]) mkdirSync(join(dataDir, name), { recursive: true });
    migrate(old);
    chmodSync(old, 0o644);
    chmodSync(dataDir, 0o755);
    await run(entrance, dataDir);
    expect(statSync(old).mode & 0o777).toBe(0o600);
    if (entrance.serves) expect(modesIn(dataDir)["."]).toBe("700");
  });
});

test("a shared folder keeps its mode", async () => {
  const shared = join(folder.path, "shared");
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
  await run({ name: "start", args: ["app/main.ts"], serves: true }, shared);
  expect(statSync(shared).mode & 0o7777).toBe(0o1777);
  expect(statSync(join(shared, "insole.db")).mode & 0o777).toBe(0o600);
});
