// Shoes over HTTP by Express and PostgreSQL; with REDIS_URL, responses are cached in Redis (cache-aside).
import express from "express";
import pg from "pg";
import { createClient } from "redis";

const { PORT, DATABASE_URL, REDIS_URL } = process.env;
const CACHE_SECONDS = 60;

const pool = new pg.Pool({ connectionString: DATABASE_URL });
const cache = REDIS_URL ? createClient({ url: REDIS_URL }) : null;
cache?.on("error", (error) => console.error(error));
await cache?.connect();

const app = express();
app.disable("x-powered-by");

// Prepared once per connection, as `pg` does for queries with a name.
const SHOE = `SELECT id, slug, title, description, brand, category, color, gender, price_cents, list_price_cents,
  currency, images, gallery, href, stock, size_system, sizes, likes, created_at, updated_at FROM shoes`;
const findShoe = (id) => ({ name: "shoe", text: `${SHOE} WHERE id = $1`, values: [id] });
const listAll = (limit, offset) => ({
  name: "all",
  text: `${SHOE} ORDER BY seq DESC LIMIT $1 OFFSET $2`,
  values: [limit, offset],
});
const countAll = () => ({ name: "count", text: "SELECT count(*)::int AS total FROM shoes" });
const listCategory = (category, limit, offset) => ({
  name: "category",
  text: `${SHOE} WHERE category = $1 ORDER BY seq DESC LIMIT $2 OFFSET $3`,
  values: [category, limit, offset],
});
const countCategory = (category) => ({
  name: "count-category",
  text: "SELECT count(*)::int AS total FROM shoes WHERE category = $1",
  values: [category],
});
const findRelated = (id) => ({
  name: "related",
  text: `SELECT s.id, s.title, s.images, s.price_cents, s.href, (
    SELECT coalesce(json_agg(json_build_object('id', t.id, 'title', t.title, 'images', t.images,
      'price', t.price_cents / 100.0, 'href', t.href) ORDER BY r.position), '[]')
    FROM related r JOIN shoes t ON t.seq = r.related WHERE r.shoe = s.seq
  ) AS related FROM shoes s WHERE s.id = $1`,
  values: [id],
});

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
  gallery: row.gallery,
  href: row.href,
  stock: row.stock,
  sizeSystem: row.size_system,
  sizes: row.sizes,
  likes: row.likes,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

const answers = { hits: 0, misses: 0 };

/** Responds from the cache, or loads and caches the response; `null` is 404 and not cached. */
async function answer(response, key, load) {
  const cached = await cache?.get(key);
  if (cached) {
    answers.hits += 1;
    return response.type("json").send(cached);
  }
  answers.misses += 1;
  const body = await load();
  if (body === null) return response.status(404).json({ error: "there is no such shoe" });
  if (!cache) return response.json(body);
  const text = JSON.stringify(body);
  await cache.set(key, text, { expiration: { type: "EX", value: CACHE_SECONDS } });
  return response.type("json").send(text);
}

app.get("/api/shoes", async (request, response) => {
  const { category } = request.query;
  const page = Number(request.query.page ?? 1);
  const limit = Number(request.query.limit ?? 20);
  const offset = (page - 1) * limit;
  await answer(response, `list:${category ?? ""}:${page}:${limit}`, async () => {
    const [shoes, counts] = await Promise.all([
      pool.query(category ? listCategory(category, limit, offset) : listAll(limit, offset)),
      pool.query(category ? countCategory(category) : countAll()),
    ]);
    const { total } = counts.rows[0];
    const pagination = { page, limit, total, pages: Math.ceil(total / limit) };
    return { success: true, data: shoes.rows.map(toShoe), pagination };
  });
});

app.get("/api/shoes/:id", async (request, response) => {
  const { id } = request.params;
  await answer(response, `shoe:${id}`, async () => {
    const { rows } = await pool.query(findShoe(id));
    return rows.length === 0 ? null : { success: true, data: toShoe(rows[0]) };
  });
});

app.get("/api/shoes/:id/relatedproducts", async (request, response) => {
  const { id } = request.params;
  await answer(response, `related:${id}`, async () => {
    const { rows } = await pool.query(findRelated(id));
    if (rows.length === 0) return null;
    const { price_cents: cents, related, ...shoe } = rows[0];
    return {
      id: shoe.id,
      title: shoe.title,
      images: shoe.images,
      price: cents / 100,
      href: shoe.href,
      relatedProducts: related,
    };
  });
});

app.get("/cache", (_request, response) => response.json(answers));

const server = app.listen(Number(PORT), "127.0.0.1");

process.on("SIGTERM", () => {
  server.close(async () => {
    await pool.end();
    await cache?.close();
  });
});
