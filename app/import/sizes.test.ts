// Sizes and stock in the forms that files use.
import { describe, expect, test } from "bun:test";
import { readSizes } from "./sizes.ts";

describe("sizes", () => {
  const rows: [size: unknown, stock: unknown, sizes: Record<string, number>][] = [
    ["", "", { "": 10 }],
    ["", "InStock", { "": 10 }],
    ["", "https://schema.org/OutOfStock", { "": 0 }],
    ["", "7", { "": 7 }],
    ["7|8|9", "", { "7": 10, "8": 10, "9": 10 }],
    ["7, 8,9", "sold out", { "7": 0, "8": 0, "9": 0 }],
    ["7:3;8:0", "", { "7": 3, "8": 0 }],
    ["42,5", "3.0", { "42,5": 3 }],
    ["7|8", "3|0", { "7": 3, "8": 0 }],
    ["7|8|9", 10, { "7": 4, "8": 3, "9": 3 }],
    ["[7, 7.5]", null, { "7": 10, "7.5": 10 }],
    [
      [
        { size: "7", stock: 3 },
        { size: 8, available: false },
      ],
      null,
      { "7": 3, "8": 0 },
    ],
    ['{"40": 1, "41": 0}', null, { "40": 1, "41": 0 }],
    ["M|m|L", "", { M: 20, L: 10 }],
  ];
  test.each(rows)("%p with stock %p", (size, stock, sizes) =>
    expect(readSizes([size], [stock])).toEqual(
      Object.entries(sizes).map(([name, left]) => ({ size: name, stock: left })),
    ),
  );
});

test.each(["some", "-1", "1|2|3"])("stock %s is refused", (stock) =>
  expect(readSizes(["7|8"], [stock])).toBeString(),
);
test("a pair whose stock is not a number is refused", () => expect(readSizes(["7:x"], [])).toBeString());
