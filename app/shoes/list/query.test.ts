// The list question: what is refused and how it is named, and that equal questions have one text.
import { expect, test } from "bun:test";
import { Problem } from "../../http/problems.ts";
import { dice, randomQuestion, toParams } from "../../testing/oracle.ts";
import { canonicalQuery, readListQuery } from "./query.ts";

// biome-ignore format: one line reads as one table
const REFUSED: [string, string][] = [
  ["page=0", "page"], ["page=-1", "page"], ["page=1.5", "page"], ["page=1e3", "page"], ["page=", "page"], ["page=x", "page"],
  ["page=99999999999999999999", "page"], ["page=999999999999999999999", "page"], ["page=1&page=2", "page"],
  ["page=101&limit=100", "page"], ["page=501", "page"], ["limit=0", "limit"], ["limit=101", "limit"], ["limit=1e3", "limit"], ["limit=٣", "limit"],
  ["sort=cheapest", "sort"], ["sort=", "sort"], ["sort=NEWEST", "sort"], ["sort=relevance", "sort"], ["sort=name&sort=name", "sort"],
  ["cursor=x", "cursor"], ["cursor=", "cursor"], ["cursor=WyJuYW1lIiwiYSIsMSwwXQ", "cursor"], ["cursor=WyJuZXdlc3QiLDAsNSwwXQ&page=1", "cursor"],
  ["minPrice=-1", "minPrice"], ["minPrice=1.234", "minPrice"], ["minPrice=1e2", "minPrice"], ["maxPrice=NaN", "maxPrice"], ["maxPrice=1,5", "maxPrice"],
  ["minPrice=5&maxPrice=4", "maxPrice"], ["onSale=yes", "onSale"], ["inStock=TRUE", "inStock"], ["facets=2", "facets"],
  ["ids=", "ids"], ["ids=,", "ids"], ["ids=a b", "ids"], [`ids=${"a".repeat(65)}`, "ids"], ["ids=../x", "ids"],
  [`ids=${Array.from({ length: 101 }, (_, index) => `i${index}`)}`, "ids"], ["ids=a&inStock=true", "ids"], ["ids=a&q=x", "ids"], ["ids=a&facets=true", "ids"],
  [`q=${"a".repeat(201)}`, "q"], [`q=${"a ".repeat(13)}`, "q"], ["q=a&q=b", "q"],
  [Array.from({ length: 51 }, (_, index) => `brand=b${index}`).join("&"), "brand"],
];

test.each(REFUSED)("%s is refused and named", (query, parameter) => {
  try {
    readListQuery(new URLSearchParams(query));
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Problem);
    const problem = thrown as Problem;
    expect(problem.type).toBe("invalid-request");
    expect(problem.detail).toStartWith(`${parameter} `);
    expect(problem.errors).toContainEqual({ parameter, detail: expect.any(String) });
    return;
  }
  throw new Error("was taken");
});

test("every broken parameter is named at once", () => {
  try {
    readListQuery(new URLSearchParams("page=0&limit=101&sort=x"));
    throw new Error("was taken");
  } catch (thrown) {
    const named = (thrown as Problem).errors.map((error) => ("parameter" in error ? error.parameter : ""));
    expect(named.sort()).toEqual(["limit", "page", "sort"]);
  }
});

test("the canonical text of a question is a question with the same text, in any order of parameters", () => {
  const roll = dice(11);
  for (let index = 0; index < 2_000; index += 1) {
    const params = toParams(
      randomQuestion(roll),
      roll() < 0.5 ? {} : { limit: "7", page: "3", facets: "true" },
    );
    const text = canonicalQuery(readListQuery(params));
    expect(canonicalQuery(readListQuery(new URLSearchParams(text)))).toBe(text);
    const turned = new URLSearchParams([...params].reverse());
    expect(canonicalQuery(readListQuery(turned))).toBe(text);
  }
});

test.each([
  "q=!!!",
  "q=운동화",
  "q=Ünïcode+ΣΑΣ",
  "category=%F0%9F%91%9F",
  "brand=%00x",
  "size=+9+",
  "ids=b,a,b",
  "cursor=WyJuZXdlc3QiLDAsNSwwXQ",
])("%s too", (query) => {
  const text = canonicalQuery(readListQuery(new URLSearchParams(query)));
  expect(text).not.toBe("");
  expect(canonicalQuery(readListQuery(new URLSearchParams(text)))).toBe(text);
});

test("different questions have different texts", () => {
  // biome-ignore format: one line reads as one table
  const queries = [
    "", "page=2", "limit=19", "category=a", "brand=a", "color=a", "gender=a", "size=a", "category=a&category=b", "minPrice=1", "maxPrice=1",
    "onSale=true", "inStock=true", "facets=true", "ids=a,b", "ids=b,a", "q=a", "q=a+b", "q=b+a", "q=!", "q=a&sort=newest", "sort=name",
    "sort=popular", "sort=price_asc", "sort=price_desc", "cursor=WyJuZXdlc3QiLDAsNSwwXQ", "q=a%26sort%3Dname", "brand=a%26size%3Db",
  ];
  const texts = queries.map((query) => canonicalQuery(readListQuery(new URLSearchParams(query))));
  expect(new Set(texts).size).toBe(queries.length);
});
