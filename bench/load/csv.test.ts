// The CSV file of demo shoes.
import { expect, test } from "bun:test";
import Papa from "papaparse";
import { demoShoes } from "../../app/import/demo/demo.ts";
import { CSV_HEAD, csvRow } from "./csv.ts";

test("a row of the CSV file reads back as its shoe", () => {
  const [shoe] = demoShoes(1);
  if (!shoe) throw new Error("no shoe");
  const title = 'A "quoted", long\nname';
  const { data } = Papa.parse<Record<string, string>>(
    `${CSV_HEAD}\n${csvRow({ ...shoe, title, priceCents: 12_950 })}\n`,
    {
      header: true,
      skipEmptyLines: true,
    },
  );
  const [row = {}] = data;
  expect(data).toHaveLength(1);
  expect([row.id, row.title, row.price, row.brand]).toEqual([
    shoe.shoeId,
    title,
    "$129.50",
    shoe.brand ?? "",
  ]);
  expect(row.sizes?.split("|")).toEqual(shoe.sizes.map(({ size }) => size));
  expect(row.stock?.split("|").map(Number)).toEqual(shoe.sizes.map(({ stock }) => stock));
});
