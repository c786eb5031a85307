// The command `bun run fuzz`: sends thousands of generated requests to every operation of the OpenAPI document.
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { sentenceOf } from "../../../db/message.ts";
import { openapiDocument } from "../../openapi.ts";
import { openTestShop, WITHOUT_WAITS } from "../shop.ts";
import { type Operation, operationsOf } from "./document.ts";
import { prepareShop } from "./prepared-shop.ts";
import { fuzz, type Outcome } from "./run.ts";

const RUNS = 2_000;
const QUICK_RUNS = 100;
const SEED_MAX = 2 ** 31;
/** Orders that wait for their payment pile up. */
const OPEN_ORDERS = { OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "0" };
const ADMIN = { email: "admin@shop.example", password: "correct horse battery" };

const USAGE = `usage: bun run fuzz [--quick] [--route <operationId>] [--runs <n>] [--seed <n> [--path <p>]] [--url <shop>]
Sends generated requests to every operation of the OpenAPI document, each operation in a new shop. No response may be
5xx, and every one must match the document. A failure is reduced to the smallest request and printed with the command
that repeats it.
  --quick   ${QUICK_RUNS} requests for each operation instead of ${RUNS}
  --url     use a running shop with limits switched off; ADMIN_EMAIL and ADMIN_PASSWORD are its admin's.
            The requests change its data.`;

type Target = { url: string; admin: typeof ADMIN; secrets: string[]; close(): Promise<void> };

async function openTarget(url: string | undefined): Promise<Target> {
  if (url !== undefined) {
    const { ADMIN_EMAIL: email = ADMIN.email, ADMIN_PASSWORD: password = ADMIN.password } = process.env;
    return {
      url: url.replace(/\/$/, ""),
      admin: { email, password },
      secrets: [],
      close: async () => undefined,
    };
  }
  const shop = await openTestShop(
    [],
    {
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      RATE_LIMIT_MAX: "0",
      RATE_LIMIT_AUTH_MAX: "0",
      ...OPEN_ORDERS,
    },
    WITHOUT_WAITS,
  );
  return { url: shop.url, admin: ADMIN, secrets: [dirname(shop.databasePath)], close: shop.close };
}

type Options = { url: string | undefined; seed: number; runs: number; path: string | undefined };

async function fuzzOne(operation: Operation, { url, ...options }: Options): Promise<Outcome> {
  const target = await openTarget(url);
  try {
    const prepared = await prepareShop(target.url, target.admin);
    return await fuzz(operation, prepared, { ...options, secrets: target.secrets });
  } finally {
    await target.close();
  }
}

function whole(name: string, text: string | undefined, fallback: number): number {
  const value = Number(text ?? fallback);
  if (!Number.isSafeInteger(value)) throw new Error(`--${name} must be a whole number`);
  return value;
}

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: "boolean", short: "h" },
      quick: { type: "boolean" },
      ...Object.fromEntries(
        ["route", "runs", "seed", "path", "url"].map((name) => [name, { type: "string" as const }]),
      ),
    },
  });
  const given = values as Record<string, string | undefined> & { help?: boolean; quick?: boolean };
  if (given.help) console.log(USAGE);
  if (given.help) return 0;
  const seed = whole("seed", given.seed, Math.floor(Math.random() * SEED_MAX));
  const runs = whole("runs", given.runs, given.quick ? QUICK_RUNS : RUNS);
  const all = operationsOf(await openapiDocument());
  const operations = all.filter(({ id }) => given.route === undefined || id === given.route);
  if (operations.length === 0)
    throw new Error(`--route must be one of ${all.map(({ id }) => id).join(", ")}`);
  console.log(`seed ${seed}, ${runs} requests to each of ${operations.length} operations`);
  const failures: string[] = [];
  for (const operation of operations) {
    const { statuses, failure } = await fuzzOne(operation, { url: given.url, seed, runs, path: given.path });
    const counts = Object.entries(statuses).map(([status, count]) => `${status} x${count}`);
    console.log(`${failure === null ? "ok  " : "FAIL"} ${operation.id}: ${counts.join(", ")}`);
    if (failure !== null) failures.push(failure);
  }
  for (const failure of failures) console.log(`\n${failure}`);
  return failures.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (thrown) {
  console.error(`fuzz: ${sentenceOf(thrown)}`);
  process.exitCode = 1;
}
