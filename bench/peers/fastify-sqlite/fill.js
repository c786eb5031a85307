// Creates the database and fills it from a file with one shoe per line: node fill.js <file>.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import Database from "better-sqlite3";

const TABLES = `
  CREATE TABLE shoes (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, slug TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
    description TEXT NOT NULL, brand TEXT, category TEXT, color TEXT, gender TEXT, price_cents INTEGER NOT NULL,
    list_price_cents INTEGER, currency TEXT NOT NULL, images TEXT NOT NULL, gallery TEXT NOT NULL, href TEXT NOT NULL,
    stock INTEGER NOT NULL, size_system TEXT, sizes TEXT NOT NULL, likes INTEGER NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL
  );
  CREATE TABLE related_ids (shoe INTEGER NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL);
  CREATE TABLE related (
    shoe INTEGER NOT NULL REFERENCES shoes ON DELETE CASCADE, position INTEGER NOT NULL,
    related INTEGER NOT NULL REFERENCES shoes ON DELETE CASCADE, PRIMARY KEY (shoe, position)
  ) WITHOUT ROWID;
`;
const SHOE = `INSERT INTO shoes VALUES (@seq, @id, @slug, @title, @description, @brand, @category, @color, @gender,
  @priceCents, @listPriceCents, @currency, @images, @gallery, @href, @stock, @sizeSystem, @sizes, @likes, @createdAt,
  @updatedAt)`;
// Related shoes by number, once every shoe has one; then the index of the lists.
const FINISH = `
  INSERT INTO related SELECT r.shoe, r.position, s.seq FROM related_ids r JOIN shoes s USING (id);
  DROP TABLE related_ids;
  CREATE INDEX shoes_by_category ON shoes (category);
`;

const db = new Database(process.env.DATABASE_PATH);
db.pragma("journal_mode = WAL");
db.exec(`BEGIN; ${TABLES}`);
const addShoe = db.prepare(SHOE);
const addRelated = db.prepare("INSERT INTO related_ids VALUES (?, ?, ?)");
let seq = 0;
for await (const line of createInterface({ input: createReadStream(process.argv[2]) })) {
  const { shoe, related } = JSON.parse(line);
  seq += 1;
  addShoe.run({
    ...shoe,
    seq,
    listPriceCents: shoe.listPrice === null ? null : Math.round(shoe.listPrice * 100),
    gallery: JSON.stringify(shoe.gallery),
    sizes: JSON.stringify(shoe.sizes),
  });
  for (const [position, id] of related.entries()) addRelated.run(seq, position, id);
}
db.exec(`${FINISH} COMMIT; VACUUM; ANALYZE`);
db.close();
console.log(seq);
