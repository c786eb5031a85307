// The house rules as tests: what may import what, how long things may be, and what no file may hold.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import {
  callsOfTests,
  firstComment,
  found,
  functionLines,
  imports,
  longLines,
  memberOf,
  type RepoFile,
  readRepo,
} from "./house.ts";
import { againstHouse, circlesIn, isTest } from "./house-imports.ts";

const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;
const MARKDOWN_LINE_MAX = 120;

// DESIGN: five folders, five questions; beside them only what tools need at the root.
const FOLDERS = ["app", "db", "replicas", "nginx", "bench"];
const TOP_LEVEL = [
  ...FOLDERS,
  "bunfig.toml",
  "package.json",
  "tsconfig.json",
  "README.md",
  "bun.lock",
  "biome.json",
  "drizzle.config.ts",
  ".env.example",
  ".gitignore",
  ".ci",
  ".github",
  "LICENSE",
  "DECISIONS.md",
  "CHANGELOG.md",
];
const BUILT_FOLDERS = /^(app|db|replicas|bench)\//;
const ROOT = join(import.meta.dir, "../..");

// Who may import a package, as patterns of paths; tests may import what they like, except SQLite's second copy.
const PACKAGE_GATES = [
  {
    packages: /^(elysia|@elysiajs\/.*)(\/|$)/,
    files: /^app\/(server|document)\.ts$|^app\/.*\/?routes\.ts$|^app\/(ops|identity|pages)\/[^/]+\.ts$/,
  },
  { packages: /^libsql(\/|$)/, files: /^(db\/driver\.ts$|bench\/)/ },
  {
    packages: /^drizzle-orm(\/|$)/,
    files: /^db\/|^app\/(shoes|accounts|orders)\/(?!.*(routes|model|command)\.ts$)/,
  },
];
const ENVIRONMENT_READERS = /^app\/(main|config|openapi)\.ts$|(^|[/-])command\.ts$|^bench\//;

type Rule = {
  name: string;
  /** What is wrong with the file, one sentence each; empty when it keeps the rule. */
  broken: (file: RepoFile) => string[];
  /** Made-up files that break the rule, and some close to them that keep it. */
  bad: RepoFile[];
  good: RepoFile[];
};

const file = (path: string, text = "// A purpose.\n"): RepoFile => ({ path, text });
const importing = (path: string, what: string): RepoFile => file(path, `// A purpose.\nimport "${what}";\n`);
const lines = (count: number): string => "// A purpose.\n".repeat(count);
const functionOf = (count: number): string => `function f() {\n${"  f();\n".repeat(count - 2)}}\n`;

const RULES: Rule[] = [
  {
    name: `a file has at most ${FILE_LINES_MAX} lines`,
    broken: ({ path, text }) => {
      const count = text.replace(/\n$/, "").split("\n").length;
      return isBuilt(path) && count > FILE_LINES_MAX ? [`it has ${count} lines`] : [];
    },
    bad: [file("app/long.ts", lines(301))],
    good: [file("app/long.ts", lines(300)), file("app/long.test.ts", lines(301))],
  },
  {
    name: `a function has at most ${FUNCTION_LINES_MAX} lines`,
    broken: (source) =>
      !isBuilt(source.path)
        ? []
        : functionLines(source)
            .filter(({ count }) => count > FUNCTION_LINES_MAX)
            .map(({ line, count }) => `the function in line ${line} has ${count} lines`),
    bad: [file("db/a.ts", functionOf(71)), file("db/b.ts", `const o = { m: () => {${"\n".repeat(70)}} };`)],
    good: [file("db/a.ts", functionOf(70)), file("db/a.ts", `${functionOf(40)}${functionOf(40)}`)],
  },
  {
    name: "imports follow the house",
    broken: (source) => imports(source).flatMap((what) => againstHouse(source.path, what)),
    bad: [
      importing("db/a.ts", "../app/config.ts"),
      importing("replicas/a.ts", "../app/config.ts"),
      importing("nginx/a.ts", "../replicas/node/node.ts"),
      importing("app/server.ts", "../replicas/node/node.ts"),
      importing("app/services.ts", "../replicas/node/node.ts"),
      importing("app/shoes/a.ts", "../orders/routes.ts"),
      importing("app/orders/sub/a.ts", "../../accounts/model.ts"),
      importing("app/likes/likes.ts", "../shoes/write/save.ts"),
      importing("app/mail/mail.ts", "../orders/routes.ts"),
      importing("app/testing/sample/sample.ts", "../../shoes/views.ts"),
      importing("app/http/write.ts", "../shoes/shoes.ts"),
      importing("app/ops/routes.ts", "../accounts/accounts.ts"),
      importing("app/import/store.ts", "../main.ts"),
      importing("app/shoes/routes.ts", "../server.ts"),
      importing("app/services.ts", "./server.ts"),
      importing("app/pages/docs.ts", "../openapi.ts"),
      importing("app/shoes/shoes.ts", "../services.ts"),
      importing("app/shoes/shoes.ts", "../open.ts"),
      importing("app/main.ts", "../bench/command.ts"),
      file("db/a.ts", `type T = import("../app/config.ts").T;`),
      file("db/a.ts", `const u = new URL("../app/worker.ts", import.meta.url);`),
      file("db/a.ts", `await import("../replicas/node/node.ts");`),
      file("db/a.ts", `export * from "../replicas/node/node.ts";`),
    ],
    good: [
      importing("app/main.ts", "../replicas/node/node.ts"),
      importing("app/open.ts", "../replicas/node/node.ts"),
      importing("app/main.ts", "./server.ts"),
      importing("app/server.ts", "./shoes/routes.ts"),
      importing("app/services.ts", "./likes/likes.ts"),
      importing("app/likes/routes.ts", "../shoes/shoes.ts"),
      importing("app/testing/sample/routes.ts", "../../http/write.ts"),
      importing("app/shoes/list/a.ts", "../write/draft.ts"),
      importing("app/shoes/routes.ts", "../cache/cache.ts"),
      importing("app/import/command.ts", "../open.ts"),
      importing("app/accounts/key-command.ts", "../open.ts"),
      importing("replicas/a.ts", "../db/database.ts"),
      importing("nginx/a.ts", "../db/errors.ts"),
      importing("db/a.test.ts", "../app/config.ts"),
      importing("app/testing/shop.ts", "../main.ts"),
      file("db/a.ts", `// from "../app/config.ts"\nconst text = 'import "../app/config.ts"';`),
    ],
  },
  {
    name: "a package is imported only where it belongs",
    broken: (source) => imports(source).flatMap((what) => againstGates(source.path, what)),
    bad: [
      importing("app/shoes/find.ts", "elysia"),
      importing("app/config.ts", "@elysiajs/swagger"),
      importing("app/shoes/routes.ts", "drizzle-orm"),
      importing("app/import/keys.ts", "libsql"),
      importing("app/server.ts", "drizzle-orm/libsql"),
      importing("db/a.test.ts", "bun:sqlite"),
      importing("bench/a.ts", "bun:sqlite"),
    ],
    good: [
      importing("app/shoes/routes.ts", "elysia"),
      importing("app/pages/docs.ts", "@elysiajs/swagger"),
      importing("app/identity/tokens.ts", "@elysiajs/jwt"),
      importing("app/shoes/find.ts", "drizzle-orm"),
      importing("db/driver.ts", "libsql"),
      importing("db/schema/schema.ts", "drizzle-orm/sqlite-core"),
      importing("app/shoes/shoes.test.ts", "elysia"),
    ],
  },
  {
    name: "there is no interactive transaction",
    broken: (source) =>
      found(source, (node) => ts.isCallExpression(node) && memberOf(node.expression) === "transaction"),
    bad: [file("db/a.ts", "await db.transaction(async () => {});"), file("db/a.ts", `db["transaction"](f);`)],
    good: [file("db/a.ts", "// never db.transaction(f)\nconst transaction = 1;")],
  },
  {
    name: "there is no barrel file",
    broken: (source) => [
      ...(/(^|\/)index\.[cm]?[jt]sx?$/.test(source.path) ? ["it is an index file"] : []),
      ...found(source, (node) => ts.isExportDeclaration(node) && node.exportClause === undefined),
    ],
    bad: [file("app/shoes/index.ts"), file("app/a.ts", `export * from "./b.ts";`)],
    good: [file("app/shoes/reindex.ts"), file("app/a.ts", "export const a = 1;")],
  },
  {
    name: "a literal is not spread into another one",
    broken: (source) =>
      found(
        source,
        (node) =>
          (ts.isSpreadAssignment(node) && ts.isObjectLiteralExpression(node.expression)) ||
          (ts.isSpreadElement(node) && ts.isArrayLiteralExpression(node.expression)),
      ),
    bad: [file("db/a.ts", "const a = { ...{ b, c } };"), file("db/a.test.ts", "f([...[1, 2], 3]);")],
    good: [
      file("db/a.ts", "const a = { ...b, ...(c ? { d } : {}) };"),
      file("db/a.ts", "f([...a, ...b()]);"),
    ],
  },
  {
    name: "a test asserts something",
    broken: (source) =>
      source.path.endsWith(".test.ts")
        ? callsOfTests(source)
            .filter(({ text }) => !/\bexpect\w*\b|\bassert\w*\b/.test(text))
            .map(({ line }) => `the test in line ${line} has no assertion`)
        : [],
    bad: [
      file("db/a.test.ts", `test("a", () => { f(); });`),
      file("db/a.test.ts", `test.each([1])("a %p", async (n) => { await f(n); });`),
      file("db/a.test.ts", `test.skipIf(isLate)("a", () => f());`),
    ],
    good: [
      file("db/a.test.ts", `test("a", () => { expect(f()).toBe(1); });`),
      file("db/a.test.ts", `test.each([1])("a %p", (n) => expectFine(n));`),
      file("db/a.test.ts", "const test = 1; f(test);"),
    ],
  },
  {
    name: `a line of Markdown has at most ${MARKDOWN_LINE_MAX} characters outside tables`,
    broken: (source) =>
      source.path.endsWith(".md") && !source.path.startsWith("bench/results/")
        ? longLines(source.text, MARKDOWN_LINE_MAX)
        : [],
    bad: [file("a.md", `# A\n\n${"word ".repeat(25)}\n`), file("a.md", `~~~\n${"x".repeat(121)}\n~~~\n`)],
    good: [
      file("a.md", `| a | ${"b".repeat(130)} |\n`),
      file("a.md", `${"x".repeat(120)}\n`),
      file("a.ts", `// A purpose.\n// ${"x".repeat(130)}\n`),
    ],
  },
  {
    name: "a file begins with a sentence of purpose",
    broken: ({ path, text }) =>
      path.endsWith(".ts") && !/[.?!]$/.test(firstComment(text)) ? ["it has none"] : [],
    bad: [file("db/a.ts", "const a = 1;"), file("db/a.ts", "// no end\nconst a = 1;"), file("db/a.ts", "")],
    good: [
      file("db/a.ts", "/** What it is. */\n"),
      file("db/a.ts", "#!/usr/bin/env bun\n// What it\n// is.\nf();"),
    ],
  },
  {
    name: "only the program's ends read the environment",
    broken: (source) =>
      isTest(source.path) || ENVIRONMENT_READERS.test(source.path)
        ? []
        : found(
            source,
            (node) => memberOf(node) === "env" && /^(process|Bun|import\.meta)\b/.test(node.getText()),
          ),
    bad: [
      file("db/a.ts", "f(process.env);"),
      file("app/a.ts", "f(Bun.env.A);"),
      file("app/a.ts", "f(import.meta.env);"),
    ],
    good: [file("app/main.ts", "f(process.env);"), file("db/a.ts", "f(settings.env); // process.env")],
  },
  {
    name: "the top level stays as designed",
    broken: ({ path }) =>
      TOP_LEVEL.includes(path.split("/")[0] ?? "") ? [] : ["it has no place at the top level"],
    bad: [file("scripts/a.ts"), file("todo.md")],
    good: [file("README.md"), file("app/scripts/a.ts")],
  },
  {
    name: "no file names a registry host or a path of somebody's machine",
    broken: ({ text }) => [...(text.match(REGISTRY_HOST) ?? []), ...(text.match(MACHINE_PATH) ?? [])],
    bad: [file("README.md", `see registry.${"example"}.com`), file("README.md", `cd /${"home"}/sam/insole`)],
    good: [file("README.md", "GET /home, ~/insole, https://shop.example/home/sam, /var/lib/insole")],
  },
  {
    name: "versions are exact, and Bun has one",
    broken: (source) => looseVersions(source),
    bad: [
      file("package.json", `{"dependencies":{"a":"^1.0.0"}}`),
      file("package.json", `{"devDependencies":{"a":"latest"}}`),
      file("README.md", `npx --yes bun@${"0.0.1"} start`),
    ],
    good: [file("package.json", `{"dependencies":{"a":"1.0.0-pre.2","b":"npm:c@2.0.0"}}`)],
  },
];

const REGISTRY_HOST = /\b(registry\.[a-z0-9-]+\.[a-z]{2,}|npm\.pkg\.[a-z]+\.[a-z]{2,})/gi;
const MACHINE_PATH = /(?<![\w.~/-])\/(home|Users|root|work)\/[\w.-]+/g;
const BUN_VERSION: string = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).dependencies.bun;

const repo = readRepo(ROOT);

describe.each(RULES)("$name", ({ broken, bad, good }) => {
  test("here", () => {
    expect(repo.flatMap((each) => broken(each).map((what) => `${each.path}: ${what}`))).toEqual([]);
  });
  test("and a breach would be seen", () => {
    expect(bad.filter((each) => broken(each).length === 0)).toEqual([]);
    expect(good.filter((each) => broken(each).length > 0)).toEqual([]);
  });
});

describe("no import leads back to where it came from", () => {
  test("here", () => {
    expect(circlesIn(repo)).toEqual([]);
  });
  test("and a breach would be seen", () => {
    const pair = (first: string, second: string) => [file("db/a.ts", first), file("db/b.ts", second)];
    const circle = ["db/a.ts -> db/b.ts -> db/a.ts"];
    expect(circlesIn(pair(`import "./b.ts";`, `import "./a.ts";`))).toEqual(circle);
    expect(circlesIn(pair(`import type { B } from "./b.ts";`, `type A = import("./a.ts").A;`))).toEqual(
      circle,
    );
    expect(circlesIn(pair(`import "./b.ts";`, `import "./c.ts";`))).toEqual([]);
    expect(circlesIn([file("db/a.ts", `import "./a.ts";`)])).toEqual(["db/a.ts -> db/a.ts"]);
  });
});

test("the whole repository is looked at", () => {
  const paths = repo.map(({ path }) => path);
  expect(paths).toContain("app/testing/house.test.ts");
  expect(paths).toContain(".ci/run");
  expect(paths.filter((path) => path.includes("node_modules"))).toEqual([]);
});

function isBuilt(path: string): boolean {
  return BUILT_FOLDERS.test(path) && path.endsWith(".ts") && !isTest(path);
}

function againstGates(path: string, what: string): string[] {
  if (what === "bun:sqlite") return ["it imports bun:sqlite"];
  if (isTest(path)) return [];
  return PACKAGE_GATES.some(({ packages, files }) => packages.test(what) && !files.test(path))
    ? [`it imports ${what}`]
    : [];
}

function looseVersions({ path, text }: RepoFile): string[] {
  const others =
    path.endsWith(".md") && path !== "README.md" ? [] : (text.match(/(?<![\w/])bun@\d+\.\d+\.\d+/g) ?? []);
  const second = others.filter((each) => each !== `bun@${BUN_VERSION}`);
  if (path !== "package.json") return second;
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text);
  return Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies })
    .filter(([, version]) => !/^(npm:@?[\w/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${name} is ${version}`)
    .concat(second);
}
