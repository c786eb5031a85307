// Shoes over HTTP by Fastify and better-sqlite3; with CACHE_ENTRIES, responses are cached in the process.
import Database from "better-sqlite3";
import Fastify from "fastify";
import { LRUCache } from "lru-cache";
import { LIST, PROBLEM, RELATED, SHOE } from "./schemas.js";

const { PORT, DATABASE_PATH, CACHE_ENTRIES } = process.env;
const CACHE_MS = 60_000;

const db = new Database(DATABASE_PATH);
db.pragma("journal_mode = WAL");

const COLUMNS = `id, slug, title, description, brand, category, color, gender, price_cents, list_price_cents, currency,
  images, gallery, href, stock, size_system, sizes, likes, created_at, updated_at`;
const BRIEF = "t.id, t.title, t.images, t.price_cents / 100.0 AS price, t.href";
const findShoe = db.prepare(`SELECT ${COLUMNS} FROM shoes WHERE id = ?`);
const listAll = db.prepare(`SELECT ${COLUMNS} FROM shoes ORDER BY seq DESC LIMIT ? OFFSET ?`);
const countAll = db.prepare("SELECT count(*) FROM shoes").pluck();
const listCategory = db.prepare(
  `SELECT ${COLUMNS} FROM shoes WHERE category = ? ORDER BY seq DESC LIMIT ? OFFSET ?`,
);
const countCategory = db.prepare("SELECT count(*) FROM shoes WHERE category = ?").pluck();
const findBrief = db.prepare(`SELECT t.seq, ${BRIEF} FROM shoes t WHERE t.id = ?`);
const findRelated = db.prepare(
  `SELECT ${BRIEF} FROM related r JOIN shoes t ON t.seq = r.related WHERE r.shoe = ? ORDER BY r.position`,
);

const toShoe = (row) => ({
  id: row.id,
  slug: row.slug,
  title: row.title,
  description: row.description,
  brand: row.brand,
  category: row.category,
  color: row.color,
  gender: row.gender,
  price: row.price_cents / 100,
  priceCents: row.price_cents,
  listPrice: row.list_price_cents === null ? null : row.list_price_cents / 100,
  currency: row.currency,
  images: row.images,
  gallery: JSON.parse(row.gallery),
  href: row.href,
  stock: row.stock,
  sizeSystem: row.size_system,
  sizes: JSON.parse(row.sizes),
  likes: row.likes,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

const app = Fastify();
const answers = { hits: 0, misses: 0 };
app.get("/cache", () => answers);

app.register(async (shoes) => {
  if (CACHE_ENTRIES) {
    const cache = new LRUCache({ max: Number(CACHE_ENTRIES), ttl: CACHE_MS });
    shoes.addHook("onRequest", (request, reply, done) => {
      const cached = cache.get(request.url);
      if (cached === undefined) {
        answers.misses += 1;
        return done();
      }
      answers.hits += 1;
      reply.type("application/json; charset=utf-8").send(cached);
    });
    shoes.addHook("onSend", (request, reply, payload, done) => {
      if (reply.statusCode === 200 && !cache.has(request.url)) cache.set(request.url, payload);
      done(null, payload);
    });
  }

  shoes.get("/api/shoes", { schema: LIST }, (request) => {
    const { category, page, limit } = request.query;
    const offset = (page - 1) * limit;
    const rows =
      category === undefined ? listAll.all(limit, offset) : listCategory.all(category, limit, offset);
    const total = category === undefined ? countAll.get() : countCategory.get(category);
    const pagination = { page, limit, total, pages: Math.ceil(total / limit) };
    return { success: true, data: rows.map(toShoe), pagination };
  });

  shoes.get("/api/shoes/:id", { schema: SHOE }, (request, reply) => {
    const row = findShoe.get(request.params.id);
    return row ? { success: true, data: toShoe(row) } : reply.code(404).send(PROBLEM);
  });

  shoes.get("/api/shoes/:id/relatedproducts", { schema: RELATED }, (request, reply) => {
    const shoe = findBrief.get(request.params.id);
    if (!shoe) return reply.code(404).send(PROBLEM);
    shoe.relatedProducts = findRelated.all(shoe.seq);
    return shoe;
  });
});

process.on("SIGTERM", async () => {
  await app.close();
  db.close();
});

await app.listen({ port: Number(PORT), host: "127.0.0.1" });
