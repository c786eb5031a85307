// The tables as TypeScript sees them. The migrations create them, and a test compares the two.
import { sql } from "drizzle-orm";
import {
  type AnySQLiteColumn,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";

const NOW_MS = sql`CAST(unixepoch('subsec') * 1000 AS INTEGER)`;

/** One row: the id of this shop's data, its generation, and whether a bulk write is under way. */
export const dataset = sqliteTable("dataset", {
  one: integer().primaryKey(),
  id: text().notNull(),
  generation: text().notNull(),
  bulk: integer().notNull().default(0),
  createdAt: integer("created_at").notNull(),
});

/** A label that shoes are filtered and counted by: a category, brand, colour, gender, size or size run, or all shoes. */
export const facets = sqliteTable(
  "facets",
  {
    id: integer().primaryKey(),
    kind: text({ enum: ["all", "category", "brand", "color", "gender", "size", "size_run"] }).notNull(),
    key: text().notNull(),
    name: text().notNull(),
    description: text().notNull().default(""),
    shoes: integer().notNull().default(0),
  },
  (facet) => [unique().on(facet.kind, facet.key)],
);

const label = (name: string) => integer(name).references((): AnySQLiteColumn => facets.id);

/** A shoe; money in minor units, times in ms since 1970, `images` a JSON list. */
export const shoes = sqliteTable(
  "shoes",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    shoeId: text("shoe_id").notNull().unique(),
    slug: text().notNull().unique(),
    version: integer().notNull().default(1),
    priceCents: integer("price_cents").notNull(),
    listPriceCents: integer("list_price_cents"),
    tie: integer().notNull().default(0),
    priceRank: integer("price_rank")
      .notNull()
      .generatedAlwaysAs(sql`price_cents * 67108864 + tie`, { mode: "virtual" }),
    likes: integer().notNull().default(0),
    stock: integer().notNull().default(0),
    categoryId: label("category_id"),
    brandId: label("brand_id"),
    colorId: label("color_id"),
    genderId: label("gender_id"),
    sizeRunId: label("size_run_id"),
    title: text().notNull(),
    images: text().notNull(),
    href: text(),
    sizeSystem: text("size_system"),
    origin: text({ enum: ["demo", "import", "api"] }).notNull(),
    contentHash: text("content_hash").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    description: text().notNull(),
  },
  (shoe) => [
    index("shoes_by_price").on(shoe.priceRank),
    index("shoes_by_title").on(sql`${shoe.title} COLLATE NOCASE`, shoe.id),
    index("shoes_by_likes").on(shoe.likes),
    index("shoes_by_category").on(shoe.categoryId, shoe.priceRank),
    index("shoes_by_brand").on(shoe.brandId, shoe.priceRank),
    index("shoes_new_by_category").on(shoe.categoryId),
    index("shoes_new_by_brand").on(shoe.brandId),
    index("shoes_narrow").on(
      shoe.id,
      shoe.categoryId,
      shoe.brandId,
      shoe.colorId,
      shoe.genderId,
      shoe.sizeRunId,
      shoe.priceRank,
    ),
    index("shoes_demo").on(shoe.id).where(sql`${shoe.origin} = 'demo'`),
  ],
);

const ofShoe = () => integer().references((): AnySQLiteColumn => shoes.id, { onDelete: "cascade" });

/** The stock of each size of a shoe. */
export const sizes = sqliteTable(
  "sizes",
  {
    shoe: ofShoe().notNull(),
    position: integer().notNull(),
    size: text().notNull(),
    stock: integer().notNull(),
  },
  (size) => [primaryKey({ columns: [size.shoe, size.position] }), unique().on(size.shoe, size.size)],
);

/** The related shoes of a shoe as a JSON list: public ids where an admin gave them, row ids where they are computed. */
export const related = sqliteTable("related", {
  shoe: ofShoe().primaryKey(),
  shoeId: text("shoe_id").notNull(),
  given: integer().notNull(),
  list: text().notNull(),
});

/** A shoe as it is shown in a list of related shoes, as finished JSON; maintained by triggers. */
export const cards = sqliteTable("cards", {
  id: integer()
    .primaryKey()
    .references(() => shoes.id, { onDelete: "cascade" }),
  version: integer().notNull(),
  card: text().notNull(),
});

/** Shoes whose related list is still to be computed. */
export const relatedPending = sqliteTable("related_pending", { shoe: ofShoe().primaryKey() });

/** Every word of the search index. */
export const words = sqliteTable("words", { word: text().notNull().primaryKey() });

/** The trigrams of the words. */
export const wordTrigrams = sqliteTable(
  "word_trigrams",
  { trigram: text().notNull(), word: text().notNull() },
  (part) => [primaryKey({ columns: [part.trigram, part.word] })],
);

/** The change feed; `shoeId` null means every shoe. */
export const changes = sqliteTable("changes", {
  seq: integer().primaryKey(),
  shoeId: text("shoe_id"),
  kind: text({ enum: ["facts", "collection", "counters", "session"] }).notNull(),
  at: integer().notNull().default(NOW_MS),
});

/** Price bands by their lower bounds; ten neighbours make a wide one. */
export const priceBands = sqliteTable("price_bands", {
  cents: integer().primaryKey(),
  wideCents: integer("wide_cents").notNull(),
});

/** An account; times in ms since 1970. */
export const users = sqliteTable(
  "users",
  {
    seq: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    email: text().notNull(),
    emailKey: text("email_key").notNull().unique(),
    name: text().notNull(),
    phone: text(),
    role: text({ enum: ["customer", "admin"] })
      .notNull()
      .default("customer"),
    passwordHash: text("password_hash").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    lastLogin: integer("last_login"),
  },
  (user) => [index("users_admins").on(user.id).where(sql`${user.role} = 'admin'`)],
);

/** A session: one sign-in with all its refresh tokens. */
export const sessions = sqliteTable(
  "sessions",
  {
    id: text().notNull().primaryKey(),
    userId: text("user_id")
      .notNull()
      .references((): AnySQLiteColumn => users.id, { onDelete: "cascade" }),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (session) => [
    index("sessions_by_user").on(session.userId, session.createdAt),
    index("sessions_by_end").on(session.expiresAt),
  ],
);

/** Refresh tokens by their SHA-256; `usedAt` is when the token was exchanged for the next one. */
export const refreshTokens = sqliteTable(
  "refresh_tokens",
  {
    hash: text().notNull().primaryKey(),
    sessionId: text("session_id")
      .notNull()
      .references((): AnySQLiteColumn => sessions.id, { onDelete: "cascade" }),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
    usedAt: integer("used_at"),
  },
  (token) => [index("refresh_tokens_by_session").on(token.sessionId, token.expiresAt)],
);

/** Keys with which scripts act as admins, by their SHA-256. */
export const adminKeys = sqliteTable(
  "admin_keys",
  {
    hash: text().notNull().primaryKey(),
    name: text().notNull(),
    createdAt: integer("created_at").notNull(),
    revokedAt: integer("revoked_at"),
  },
  (key) => [uniqueIndex("admin_keys_in_use").on(key.name).where(sql`${key.revokedAt} IS NULL`)],
);

/** The audit: who changed what and when; `detail` is a JSON object. */
export const audit = sqliteTable("audit", {
  seq: integer().primaryKey(),
  at: integer().notNull(),
  actor: text(),
  actorKind: text("actor_kind", { enum: ["user", "key", "system"] }).notNull(),
  action: text().notNull(),
  subject: text().notNull(),
  detail: text().notNull(),
});

/** The likes: which account likes which shoe; a trigger deletes those of a removed shoe. */
export const likes = sqliteTable(
  "likes",
  {
    shoe: integer().notNull(),
    userId: text("user_id").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (like) => [primaryKey({ columns: [like.userId, like.shoe] })],
);

/** Responses stored for a repeated Idempotency-Key; `headers` is a JSON object. */
export const idempotency = sqliteTable(
  "idempotency",
  {
    userId: text("user_id").notNull(),
    key: text().notNull(),
    requestHash: text("request_hash").notNull(),
    status: integer().notNull(),
    headers: text().notNull(),
    body: text(),
    createdAt: integer("created_at").notNull(),
  },
  (stored) => [
    primaryKey({ columns: [stored.userId, stored.key] }),
    index("idempotency_by_age").on(stored.createdAt),
  ],
);

/** The ids of the writes that were done. */
export const writes = sqliteTable("writes", {
  id: text().notNull().primaryKey(),
  at: integer().notNull(),
});

/** The migrations applied. */
export const migrations = sqliteTable("migrations", {
  number: integer().primaryKey(),
  name: text().notNull(),
  checksum: text().notNull(),
  oldestProgram: integer("oldest_program").notNull(),
  appliedAt: integer("applied_at").notNull(),
});
