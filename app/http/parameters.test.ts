// Query parameters: every refused one is named once, with its rule.
import { expect, test } from "bun:test";
import { readParameters } from "./parameters.ts";
import { Problem } from "./problems.ts";

/** Reads all kinds of parameters and returns the errors of the `Problem`. */
function errorsOf(query: string): unknown[] {
  const read = readParameters(new URLSearchParams(query));
  read.whole("page", 10);
  read.cents("minPrice");
  read.flag("onSale");
  read.choice("sort", ["newest", "name"]);
  read.one("cursor");
  try {
    read.check();
    return [];
  } catch (thrown) {
    if (thrown instanceof Problem) return thrown.errors;
    throw thrown;
  }
}

test("good parameters are no error", () => {
  expect(errorsOf("page=10&minPrice=9.99&onSale=1&sort=name&cursor=x&unknown=1&unknown=2")).toEqual([]);
});

test("a parameter that is given twice is named once, whatever its values are", () => {
  const twice = [
    "page=x&page=0",
    "minPrice=x&minPrice=1",
    "onSale=x&onSale=x",
    "sort=x&sort=x",
    "cursor=&cursor=",
  ];
  expect(errorsOf(twice.join("&"))).toEqual(
    ["page", "minPrice", "onSale", "sort", "cursor"].map((parameter) => ({
      parameter,
      detail: "must be given once",
    })),
  );
});

test.each([
  ["page=0", "page", "must be a whole number from 1 to 10"],
  ["page=11", "page", "must be a whole number from 1 to 10"],
  ["minPrice=1.005", "minPrice", "must be an amount from 0 to 9999999.99 with at most two decimals"],
  ["onSale=yes", "onSale", "must be true or false"],
  ["sort=price", "sort", "must be one of newest, name"],
])("%s is refused by its rule", (query, parameter, detail) => {
  expect(errorsOf(query)).toEqual([{ parameter, detail }]);
});

test("every amount to 1000.00 is read as its minor units", () => {
  const wrong = [];
  for (let cents = 0; cents <= 100_000; cents += 1)
    for (const text of [String(cents / 100), (cents / 100).toFixed(2)])
      if (readParameters(new URLSearchParams({ minPrice: text })).cents("minPrice") !== cents)
        wrong.push(text);
  expect(wrong).toEqual([]);
});
