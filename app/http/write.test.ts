// The one way to write: a group is committed whole or not at all, and a repetition with its owner's key gets its answer.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { isUnmet, requires } from "../../db/write/guard.ts";
import { openFolder } from "../testing/shop.ts";
import { conditionFailed, mayChange, requiresRow, UNCONDITIONAL } from "./conditions.ts";
import { openIdempotency, type StoreAnswer } from "./idempotency.ts";
import { Problem } from "./problems.ts";
import { commitWrite, guardOf, orProblem, plainWrite, type Write } from "./write.ts";
import { type AnswerSql, respondWrite } from "./write-answer.ts";

const NOW_MS = 1_700_000_000_000;

let folder: ReturnType<typeof openFolder>;
let db: Database;
beforeEach(() => {
  folder = openFolder();
  const path = join(folder.path, "insole.db");
  migrate(path);
  db = openFile(path);
});
afterEach(async () => {
  await db.close();
  folder.remove();
});

const add = (key: string) => ({
  sql: "INSERT INTO facets (kind, key, name) VALUES ('category', ?, ?)",
  args: [key, key],
});
const count: AnswerSql = {
  status: 201,
  headers: "json_object('location', '/api/x/1')",
  body: "CAST(count(*) AS TEXT)",
  from: "FROM facets WHERE kind = ?1",
  args: ["category"],
};
const audit = { action: "category.add", subject: "a" };
const write = (more: Partial<Write> = {}): Write => ({ ...plainWrite(null, NOW_MS), ...more });
const rows = (table: string) => db.read.get<[number]>(`SELECT count(*) FROM ${table}`)?.[0];
const categories = () => db.read.get<[number]>("SELECT count(*) FROM facets WHERE kind = 'category'")?.[0];

describe("a group", () => {
  test("is committed with its audit row, and its answer shows the state after it", async () => {
    const caller = { userId: "u", role: "admin", kind: "user" } as const;
    const group = { statements: [add("a"), { ...add("b"), sql: `${add("b").sql} RETURNING key` }], audit };
    const committed = await commitWrite(db, write({ caller }), { ...group, answer: count });
    expect(committed.results.map(({ changes, rows }) => [changes, rows])).toEqual([
      [1, []],
      [1, [["b"]]],
    ]);
    expect(committed.answer).toEqual({ status: 201, headers: { location: "/api/x/1" }, body: "2" });
    expect(db.read.all("SELECT at, actor, actor_kind, action, subject, detail FROM audit")).toEqual([
      [NOW_MS, "u", "user", "category.add", "a", "{}"],
    ]);
  });

  test("may answer with the state before it", async () => {
    const group = { statements: [add("a"), add("b")], answer: count, answersBefore: true };
    const { answer, results } = await commitWrite(db, write(), group);
    expect([answer?.body, results.length, categories()]).toEqual(["0", 2, 2]);
  });

  test("without an answer, or with one that finds no row, has none", async () => {
    expect((await commitWrite(db, write(), { statements: [add("a")] })).answer).toBeNull();
    const none = { ...count, body: "name", from: "FROM facets WHERE key = ?1", args: ["nothing"] };
    expect((await commitWrite(db, write(), { statements: [add("b")], answer: none })).answer).toBeNull();
  });

  test("writes nothing when one of its conditions does not hold", async () => {
    const stored: StoreAnswer = () => [{ sql: "INSERT INTO words (word) VALUES ('stored')" }];
    const group = { statements: [add("a"), requires("1 = 2"), add("b")], audit, answer: count };
    const thrown = await commitWrite(db, write({ storeAnswer: stored }), group).catch((error) => error);
    expect(isUnmet(thrown)).toBe(true);
    expect([categories(), rows("audit"), rows("words")]).toEqual([0, 0, 0]);
  });
});

describe("a refusal", () => {
  const commit = (...statements: ReturnType<typeof add>[]) => commitWrite(db, write(), { statements });
  const type = (committed: Promise<unknown>) => committed.catch((thrown) => (thrown as Problem).type);

  test("says why a condition did not hold", async () => {
    const unmet = () => new Problem("out-of-stock", "too few are left");
    const refused = orProblem(commitWrite(db, write(), { statements: [requires("1 = 2")] }), "a", unmet);
    expect(await type(refused)).toBe("out-of-stock");
  });

  test("by a constraint of the tables is that constraint's problem", async () => {
    await commit(add("a"));
    expect(await type(orProblem(commit(add("a")), "a", () => conditionFailed(UNCONDITIONAL, 1)))).toBe(
      "conflict",
    );
  });
});

test("If-Match and If-None-Match are conditions in the group, by the version of the row", async () => {
  await db.write([add("a")]);
  const commitAt = (given: Partial<Write["conditions"]>) =>
    commitWrite(db, write(), {
      statements: [requiresRow("dataset", "one", "1", { ...UNCONDITIONAL, ...given })],
    }).then(
      () => "done",
      (thrown) => isUnmet(thrown),
    );
  // This table has no versions: without a named version the condition is only that the row exists.
  expect([await commitAt({}), await commitAt({ match: "*" }), await commitAt({ noneMatch: "*" })]).toEqual([
    "done",
    "done",
    true,
  ]);
});

test.each([
  [null, null, true],
  ["*", null, true],
  [[2, 3], null, true],
  [[2], null, false],
  [[], null, false],
  [null, "*", false],
  [null, [3], false],
  [null, [2], true],
  [null, [], true],
  [[3], [2], true],
  [[3], [3], false],
  ["*", "*", false],
] as const)("If-Match %j and If-None-Match %j: version 3 may change: %p", (match, noneMatch, may) => {
  const listed = (versions: typeof match | typeof noneMatch) =>
    versions === null || versions === "*" ? versions : [...versions];
  expect(mayChange({ match: listed(match), noneMatch: listed(noneMatch) }, 3)).toBe(may);
});

describe("an Idempotency-Key", () => {
  const request = (key = "order 1") =>
    new Request("http://shop/api/x", { method: "POST", headers: { "idempotency-key": key } });

  test("belongs to its owner, and a write of two groups has the answer of the last", async () => {
    const idempotency = openIdempotency(db, () => NOW_MS);
    const place = async (storeAnswer: StoreAnswer) => {
      await commitWrite(db, write({ storeAnswer }), { statements: [add(`placed ${categories()}`)], audit });
      const paid = { statements: [add(`paid ${categories()}`)], audit, answer: count };
      const { answer } = await commitWrite(db, write({ storeAnswer }), paid);
      if (!answer) throw new Error("it has no answer");
      return answer;
    };
    const first = await idempotency.once(request(), "guest:sam@shop.example", { a: 1 }, place);
    const again = await idempotency.once(request(), "guest:sam@shop.example", { a: 1 }, place);
    expect([first.isReplay, again.isReplay, again.answer]).toEqual([false, true, first.answer]);
    expect(categories()).toBe(2);
    const other = await idempotency.once(request(), "guest:kim@shop.example", { a: 1 }, place);
    expect([other.isReplay, categories()]).toEqual([false, 4]);
  });

  test("belongs to its request also while that is running", async () => {
    const idempotency = openIdempotency(db, () => NOW_MS);
    const { promise, resolve } = Promise.withResolvers<void>();
    const answer = { status: 200, headers: {}, body: "1" };
    const first = idempotency.once(request(), "sam", { a: 1 }, () => promise.then(() => answer));
    const typeOf = (owner: string, content: unknown) =>
      idempotency
        .once(request(), owner, content, async () => answer)
        .then(
          () => "done",
          ({ type }: Problem) => type,
        );
    expect([
      await typeOf("sam", { a: 1 }),
      await typeOf("sam", { a: 2 }),
      await typeOf("kim", { a: 2 }),
    ]).toEqual(["request-under-way", "idempotency-key-reused", "done"]);
    resolve();
    expect(await first).toEqual({ answer, isReplay: false });
    expect(await typeOf("sam", { a: 2 })).toBe("done");
  });

  test("without an owner is ignored", async () => {
    const idempotency = openIdempotency(db, () => NOW_MS);
    const work = async () => ({ status: 200, headers: {}, body: "1" });
    for (let index = 0; index < 2; index += 1)
      expect((await idempotency.once(request("x".repeat(300)), null, null, work)).isReplay).toBe(false);
  });
});

test("members beside the item do not change its entity tag", async () => {
  const headers = { version: 3, view: "shoe" };
  const body = '{"success":true,"data":{"id":"a"}}';
  const [plain, more] = [headers, { ...headers, more: ',"unknown":["b"]' }].map((each) =>
    respondWrite({ status: 200, headers: each, body }, [], 0n),
  );
  expect(more?.headers.get("etag")).toBe(plain?.headers.get("etag") ?? "none");
  expect(await more?.json()).toEqual({ success: true, data: { id: "a" }, unknown: ["b"] });
});

test("routes are guarded unless writes are open, and then they refuse the pages of strangers", () => {
  const refusePage = () => undefined;
  expect(guardOf({ openWrites: false, refusePage }, "admin")).toEqual({ who: "admin" });
  expect(Object.keys(guardOf({ openWrites: true, refusePage }, "admin"))).toEqual(["beforeHandle"]);
});
