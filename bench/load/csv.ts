// The CSV file that imports read: demo shoes with the columns and the spelling of a shop's export.
import { demoShoes } from "../../app/import/demo/demo.ts";
import type { ShoeDraft } from "../../app/shoes/write/draft.ts";

/** Rows between two flushes. */
const CHUNK_ROWS = 2_000;

/** The header line. */
export const CSV_HEAD =
  "id,title,brand,category,color,gender,price,list price,description,images,url,sizes,stock";

/** A shoe as one line; its stock is a list parallel to the list of its sizes. */
export function csvRow(shoe: ShoeDraft): string {
  const images = [1, 2, 3].map((view) => `https://images.example/${shoe.shoeId}/${view}.jpg`);
  return [
    shoe.shoeId,
    shoe.title,
    shoe.brand,
    shoe.category,
    shoe.color,
    shoe.gender,
    money(shoe.priceCents),
    money(shoe.listPriceCents),
    shoe.description,
    images.join("|"),
    `https://shop.example/p/${shoe.shoeId}`,
    shoe.sizes.map(({ size }) => size).join("|"),
    shoe.sizes.map(({ stock }) => stock).join("|"),
  ]
    .map(quoted)
    .join(",");
}

const money = (cents: number | null): string => (cents === null ? "" : `$${(cents / 100).toFixed(2)}`);

const quoted = (value: string | null): string => {
  const text = value ?? "";
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Writes a file of this many rows in constant memory. */
export async function writeShoesCsv(path: string, rows: number): Promise<void> {
  const file = Bun.file(path).writer();
  file.write(`${CSV_HEAD}\n`);
  let waiting = 0;
  for (const shoe of demoShoes(rows)) {
    file.write(`${csvRow(shoe)}\n`);
    waiting += 1;
    if (waiting % CHUNK_ROWS === 0) await file.flush();
  }
  await file.end();
}
