// Creates the tables and fills them from a file with one shoe per line: node fill.js <file>.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import pg from "pg";

const CHUNK = 2_000;
const TABLES = `
  CREATE TABLE shoes (
    seq integer PRIMARY KEY, id text NOT NULL UNIQUE, slug text NOT NULL UNIQUE, title text NOT NULL,
    description text NOT NULL, brand text, category text, color text, gender text, price_cents integer NOT NULL,
    list_price_cents integer, currency text NOT NULL, images text NOT NULL, gallery json NOT NULL, href text NOT NULL,
    stock integer NOT NULL, size_system text, sizes json NOT NULL, likes integer NOT NULL,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL
  );
  CREATE TABLE related_ids (shoe integer NOT NULL, position integer NOT NULL, id text NOT NULL);
`;
// A chunk at a time as a table: extracting each value of each row's JSON takes several times as long.
const SHOES = `INSERT INTO shoes SELECT seq, id, slug, title, description, brand, category, color, gender, "priceCents",
  round("listPrice" * 100)::int, currency, images, gallery, href, stock, "sizeSystem", sizes, likes, "createdAt",
  "updatedAt"
  FROM json_to_recordset($1) AS s (seq int, id text, slug text, title text, description text, brand text, category text,
    color text, gender text, "priceCents" int, "listPrice" numeric, currency text, images text, gallery json, href text,
    stock int, "sizeSystem" text, sizes json, likes int, "createdAt" timestamptz, "updatedAt" timestamptz)`;
const RELATED = `INSERT INTO related_ids SELECT s.seq, r.position, r.id
  FROM json_to_recordset($1) AS s (seq int, related json),
    json_array_elements_text(s.related) WITH ORDINALITY AS r (id, position)`;
// Related shoes by number, once every shoe has one; then the index of the lists.
const FINISH = `
  CREATE TABLE related AS SELECT r.shoe, r.position, s.seq AS related
    FROM related_ids r JOIN shoes s USING (id) ORDER BY r.shoe, r.position;
  DROP TABLE related_ids;
  ALTER TABLE related ADD PRIMARY KEY (shoe, position);
  ALTER TABLE related ADD FOREIGN KEY (shoe) REFERENCES shoes ON DELETE CASCADE;
  ALTER TABLE related ADD FOREIGN KEY (related) REFERENCES shoes ON DELETE CASCADE;
  CREATE INDEX shoes_by_category ON shoes (category, seq DESC);
`;

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query(`BEGIN; ${TABLES}`);
let chunk = [];
let seq = 0;
const write = async () => {
  await client.query(SHOES, [JSON.stringify(chunk)]);
  await client.query(RELATED, [JSON.stringify(chunk.map(({ seq, related }) => ({ seq, related })))]);
  chunk = [];
};
for await (const line of createInterface({ input: createReadStream(process.argv[2]) })) {
  const { shoe, related } = JSON.parse(line);
  seq += 1;
  chunk.push({ ...shoe, seq, related });
  if (chunk.length === CHUNK) await write();
}
if (chunk.length > 0) await write();
await client.query(`${FINISH} COMMIT`);
// Index-only counts need a vacuumed table; the checkpoint keeps its writes out of the measurement.
await client.query("VACUUM ANALYZE");
await client.query("CHECKPOINT");
await client.end();
console.log(seq);
