// Commands as they are published: after their settings, with names for what differs on every run.
import { expect, test } from "bun:test";
import { homedir } from "node:os";
import { join } from "node:path";
import { anonymised, type CommandParts, commandText } from "./command-text.ts";
import { CATALOGUES } from "./paths.ts";

const FOLDER = join(CATALOGUES, "..", "insole-bench-run-Ab12Cd");
const TREE = join(homedir(), "somewhere", "insole");
/** Random endings may also be all letters or all digits. */
const FOLDERS = new Map(
  ["shipped-xY12zZ", "import-abcdef", "import-123456"].map((name) => [
    join(FOLDER, name),
    name.split("-")[0] ?? "",
  ]),
);
const PLACES = { folder: FOLDER, folders: FOLDERS, tree: TREE };
const of = (program: string[], more: Partial<CommandParts> = {}) =>
  commandText({ program, env: {}, cores: null, ...PLACES, ...more });

test.each<[string, string]>([
  [
    of([process.execPath, "app/main.ts"], {
      env: { PORT: "40123", A: "a b", DATA_DIR: join(CATALOGUES, "1000-0.1.0-abc123-1") },
      cores: [0, 1],
    }),
    "PORT=PORT A='a b' DATA_DIR=catalogue-1000 taskset -c 0,1 bun app/main.ts",
  ],
  [
    of([
      join(homedir(), "bin", "oha"),
      "-q",
      "40000",
      "-H",
      "authorization: Bearer a.b.c",
      "http://127.0.0.1:40123/api",
    ]),
    "oha -q 40000 -H 'authorization: Bearer TOKEN' http://127.0.0.1:PORT/api",
  ],
  [of(["oha", "--urls-from-file", join(FOLDER, "hot-barest.urls")]), "oha --urls-from-file hot-barest.urls"],
  [
    of(["bun", "a.ts", join(FOLDER, "import-abcdef", "a.csv"), join(FOLDER, "import-123456")]),
    "bun a.ts import/a.csv import",
  ],
  [
    of([
      "bun",
      "a.ts",
      "--port",
      "8080",
      "--shoes",
      "50000",
      "--from",
      join(CATALOGUES, "100000-0.1.0-abc-1", "insole.db"),
    ]),
    "bun a.ts --port PORT --shoes 50000 --from catalogue-100000/insole.db",
  ],
  [
    of([
      "bun",
      "import.ts",
      join(CATALOGUES, "2000-0.1.0-1.csv"),
      join(CATALOGUES, "9-0.1.0-ab1-1-peers-1.ndjson"),
    ]),
    "bun import.ts 2000.csv 9.ndjson",
  ],
  [
    of([
      "nginx",
      "-p",
      join(FOLDER, "shipped-xY12zZ"),
      "-c",
      join(FOLDER, "shipped-xY12zZ", "nginx.conf"),
      "-g",
      "daemon off;",
    ]),
    "nginx -p shipped -c shipped/nginx.conf -g 'daemon off;'",
  ],
  [
    of(["bun", join(TREE, "app", "a.ts"), join(FOLDER, "catalogue-100000"), join(FOLDER, "peers-medium")]),
    "bun app/a.ts catalogue-100000 peers-medium",
  ],
  [of(["x"], { env: { JWT_SECRET: "0b5f8a54-7a3e-4e0a-9f0e-0123456789ab" } }), "JWT_SECRET=SECRET x"],
  [of(["sh", "-c", "echo 'a'"]), "sh -c 'echo '\\''a'\\'''"],
])("%s", (command, expected) => {
  expect(command).toBe(expected);
});

test("the output of a failing program names no folder, port or secret of this machine", () => {
  const output =
    "exit code 1: /srv/a/node_modules/bun x --dir /tmp/bench-run-x1Y2z3 http://127.0.0.1:45927\n  at /srv/a/db/file.ts:12";
  const folder = "/tmp/bench-run-x1Y2z3";
  expect(anonymised(output, { folder, folders: new Map(), tree: "/srv/a" })).toBe(
    "exit code 1: node_modules/bun x --dir . http://127.0.0.1:PORT\n  at db/file.ts:12",
  );
});
