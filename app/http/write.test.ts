// The one way to write: a group is whole or nothing, and its answer comes again under the key of its owner.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Database } from "../../db/database.ts";
import { openFile } from "../../db/file.ts";
import { migrate } from "../../db/schema/migrate.ts";
import { isUnmet, requires } from "../../db/write/guard.ts";
import { openFolder } from "../testing/shop.ts";
import { openIdempotency, type StoreAnswer } from "./idempotency.ts";
import { isMatch, requiresMatch, versionFailed } from "./if-match.ts";
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
const write = (given: Partial<Write> = {}): Write => ({ ...plainWrite(null, NOW_MS), ...given });
const rows = (table: string) => db.read.get<[number]>(`SELECT count(*) FROM ${table}`)?.[0];
const categories = () => db.read.get<[number]>("SELECT count(*) FROM facets WHERE kind = 'category'")?.[0];

describe("a group", () => {
  test("is committed with its audit row, and answers what is then there", async () => {
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

  test("may answer what was there before it", async () => {
    const group = { statements: [add("a"), add("b")], answer: count, answersBefore: true };
    const { answer, results } = await commitWrite(db, write(), group);
    expect([answer?.body, results.length, categories()]).toEqual(["0", 2, 2]);
  });

  test("without an answer, or with one that finds no row, has none", async () => {
    expect((await commitWrite(db, write(), { statements: [add("a")] })).answer).toBeNull();
    const none = { ...count, body: "name", from: "FROM facets WHERE key = ?1", args: ["nothing"] };
    expect((await commitWrite(db, write(), { statements: [add("b")], answer: none })).answer).toBeNull();
  });

  test("leaves nothing where one of its conditions does not hold", async () => {
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

  test("of a rule of the tables is that rule's problem", async () => {
    await commit(add("a"));
    expect(await type(orProblem(commit(add("a")), "a", versionFailed))).toBe("conflict");
  });
});

test("If-Match is a condition in the group, by the version of the row", async () => {
  await db.write([add("a")]);
  const at = (ifMatch: Write["ifMatch"]) =>
    commitWrite(db, write(), { statements: [requiresMatch("dataset", "one", "1", ifMatch)] }).then(
      () => "done",
      (thrown) => isUnmet(thrown),
    );
  // This table has no versions: without any named only the row is asked for.
  expect([await at(null), await at("*")]).toEqual(["done", "done"]);
  expect([isMatch(null, 3), isMatch("*", 3), isMatch([2, 3], 3), isMatch([2], 3), isMatch([], 3)]).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

describe("a key", () => {
  const request = (key = "order 1") =>
    new Request("http://shop/api/x", { method: "POST", headers: { "idempotency-key": key } });

  test("of a guest is theirs, and a write of two groups is answered by its last", async () => {
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

  test("of nobody is not looked at", async () => {
    const idempotency = openIdempotency(db, () => NOW_MS);
    const work = async () => ({ status: 200, headers: {}, body: "1" });
    for (let at = 0; at < 2; at += 1)
      expect((await idempotency.once(request("x".repeat(300)), null, null, work)).isReplay).toBe(false);
  });
});

test("members behind the item do not move its entity tag", async () => {
  const headers = { version: 3, view: "shoe" };
  const body = '{"success":true,"data":{"id":"a"}}';
  const [plain, more] = [headers, { ...headers, more: ',"unknown":["b"]' }].map((each) =>
    respondWrite({ status: 200, headers: each, body }, []),
  );
  expect(more?.headers.get("etag")).toBe(plain?.headers.get("etag") ?? "none");
  expect(await more?.json()).toEqual({ success: true, data: { id: "a" }, unknown: ["b"] });
});

test("routes are guarded unless writes are open", () => {
  expect(guardOf({ openWrites: false }, "admin")).toEqual({ who: "admin" });
  expect(Object.keys(guardOf({ openWrites: true }, "admin"))).toEqual([]);
});
