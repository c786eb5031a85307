// Changes of stock behind the schema's back: each rule names the row that does not fit.
import { expect, test } from "bun:test";
import { type Breaks, describeBreaks, of, unmatched } from "../../../testing/book-breaks.ts";
import { STOCK_RULES } from "./stock-rules.ts";

const BREAKS: Breaks = {
  "Of each shoe and size": [
    of("confirmed", "UPDATE stock_taken SET pairs = pairs + 1 WHERE size = '41'", 'shoe a, size "41": '),
    of(
      "confirmed",
      "DELETE FROM stock_taken WHERE size = '42'",
      'shoe a, size "42": 0 pairs are taken, lines hold 15',
    ),
    of(
      "confirmed",
      "INSERT INTO stock_taken VALUES (77, '', 1)",
      'shoe 77, size "": 1 pairs are taken, lines hold 0',
    ),
    of(
      "shipped",
      "UPDATE order_lines SET returned = 1 WHERE number = # AND position = 2",
      'shoe b, size "": 2 pairs are taken, lines hold 1',
    ),
  ],
  "The stock of a shoe": [
    of(
      "confirmed",
      "UPDATE shoes SET stock = stock + 1 WHERE shoe_id = 'b'",
      "shoe b: its stock is 499, its sizes have 498",
    ),
    of(
      "confirmed",
      "UPDATE sizes SET stock = iif(size = '41', -1, stock + (SELECT stock + 1 FROM sizes WHERE size = '41')) WHERE shoe = (SELECT id FROM shoes WHERE shoe_id = 'a')",
      "the least -1",
    ),
  ],
};

test("every rule has changes that break it", () => {
  expect(unmatched(STOCK_RULES, BREAKS)).toEqual([]);
});

describeBreaks(BREAKS);
