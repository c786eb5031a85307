-- The catalogue: shoes, their sizes, the labels they are filtered by, the search index and the change feed.
-- oldest program: 1

CREATE TABLE dataset (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL,
  generation TEXT NOT NULL,
  bulk INTEGER NOT NULL DEFAULT 0 CHECK (bulk IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT;
INSERT INTO dataset (one, id, generation, created_at)
VALUES (1, lower(hex(randomblob(16))), lower(hex(randomblob(4))), CAST(unixepoch('subsec') * 1000 AS INTEGER));

-- A value that shoes are filtered and counted by; the counter is kept by triggers. Kind 'all' has one row: the total.
-- A size run is the JSON list of a shoe's size keys: shoes share few of them, so sizes are counted by their runs.
CREATE TABLE facets (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('all', 'category', 'brand', 'color', 'gender', 'size', 'size_run')),
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  shoes INTEGER NOT NULL DEFAULT 0 CHECK (shoes >= 0),
  UNIQUE (kind, key)
) STRICT;
INSERT INTO facets (id, kind, key, name) VALUES (1, 'all', '', 'All');

CREATE TABLE shoes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  shoe_id TEXT NOT NULL UNIQUE CHECK (length(shoe_id) BETWEEN 1 AND 64),
  slug TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL DEFAULT 1,
  price_cents INTEGER NOT NULL CHECK (price_cents BETWEEN 1 AND 100000000),
  list_price_cents INTEGER CHECK (list_price_cents BETWEEN 1 AND 100000000),
  -- A hash of the id that orders equal prices, so that no order depends on which shoe came first.
  tie INTEGER NOT NULL DEFAULT 0 CHECK (tie BETWEEN 0 AND 67108863),
  price_rank INTEGER NOT NULL GENERATED ALWAYS AS (price_cents * 67108864 + tie) VIRTUAL,
  likes INTEGER NOT NULL DEFAULT 0 CHECK (likes >= 0),
  stock INTEGER NOT NULL DEFAULT 0 CHECK (stock >= 0),
  category_id INTEGER REFERENCES facets (id),
  brand_id INTEGER REFERENCES facets (id),
  color_id INTEGER REFERENCES facets (id),
  gender_id INTEGER REFERENCES facets (id),
  size_run_id INTEGER REFERENCES facets (id),
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 300),
  images TEXT NOT NULL CHECK (json_valid(images)),
  href TEXT,
  size_system TEXT,
  origin TEXT NOT NULL CHECK (origin IN ('demo', 'import', 'api')),
  content_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  description TEXT NOT NULL
) STRICT;
CREATE INDEX shoes_by_price ON shoes (price_rank, id);
CREATE INDEX shoes_by_title ON shoes (title COLLATE NOCASE, id);
CREATE INDEX shoes_by_likes ON shoes (likes, id);
CREATE INDEX shoes_by_category ON shoes (category_id, price_rank, id);
CREATE INDEX shoes_by_brand ON shoes (brand_id, price_rank, id);
-- The few columns that filters, facets and sorting look at, without the long rows.
CREATE INDEX shoes_narrow ON shoes (id, category_id, brand_id, color_id, gender_id, size_run_id, price_rank, likes);
CREATE INDEX shoes_demo ON shoes (id) WHERE origin = 'demo';

CREATE TABLE sizes (
  shoe INTEGER NOT NULL REFERENCES shoes (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  size TEXT NOT NULL,
  stock INTEGER NOT NULL CHECK (stock BETWEEN 0 AND 1000000),
  PRIMARY KEY (shoe, position),
  UNIQUE (shoe, size)
) STRICT, WITHOUT ROWID;

-- The related shoes of a shoe, in order: public ids where the list was given, row ids where it was computed.
CREATE TABLE related (
  shoe INTEGER PRIMARY KEY REFERENCES shoes (id) ON DELETE CASCADE,
  shoe_id TEXT NOT NULL,
  given INTEGER NOT NULL CHECK (given IN (0, 1)),
  list TEXT NOT NULL CHECK (json_valid(list)),
  CHECK (given = 0 OR instr(list, '"' || shoe_id || '"') = 0),
  CHECK (given = 1 OR instr(replace(replace(list, '[', ','), ']', ','), ',' || shoe || ',') = 0)
) STRICT;

-- Shoes whose related list is still to be computed.
CREATE TABLE related_pending (
  shoe INTEGER PRIMARY KEY REFERENCES shoes (id) ON DELETE CASCADE
) STRICT;

-- `tags` holds one word for each label of a shoe, its price band and its sizes in stock, so that any filter is an
-- intersection of sorted lists.
CREATE VIRTUAL TABLE search USING fts5 (
  title, labels, description, tags,
  content = '', contentless_delete = 1, detail = column, tokenize = 'unicode61 remove_diacritics 2'
);

-- Every word of the index and its three-letter parts: what a beginning of a word expands to, and what a misspelt one meant.
CREATE TABLE words (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE word_trigrams (
  trigram TEXT NOT NULL,
  word TEXT NOT NULL,
  PRIMARY KEY (trigram, word)
) STRICT, WITHOUT ROWID;

-- The change feed: what caches must drop. `shoe_id` NULL means every shoe.
CREATE TABLE changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  shoe_id TEXT,
  kind TEXT NOT NULL CHECK (kind IN ('facts', 'collection', 'counters', 'session')),
  at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
) STRICT;

CREATE TRIGGER changes_pruned AFTER INSERT ON changes WHEN NEW.seq % 1000 = 0
BEGIN
  DELETE FROM changes WHERE seq <= NEW.seq - 100000;
END;

CREATE TRIGGER shoes_added AFTER INSERT ON shoes
BEGIN
  UPDATE facets SET shoes = shoes + 1
  WHERE id IN (1, NEW.category_id, NEW.brand_id, NEW.color_id, NEW.gender_id, NEW.size_run_id);
END;
CREATE TRIGGER shoes_added_feed AFTER INSERT ON shoes WHEN (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NEW.shoe_id, 'facts'), (NEW.shoe_id, 'collection');
END;

CREATE TRIGGER shoes_removed AFTER DELETE ON shoes
BEGIN
  UPDATE facets SET shoes = shoes - 1
  WHERE id IN (1, OLD.category_id, OLD.brand_id, OLD.color_id, OLD.gender_id, OLD.size_run_id);
  DELETE FROM search WHERE rowid = OLD.id;
END;
CREATE TRIGGER shoes_removed_feed AFTER DELETE ON shoes WHEN (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (OLD.shoe_id, 'facts'), (OLD.shoe_id, 'collection');
END;

CREATE TRIGGER shoes_relabelled AFTER UPDATE OF category_id, brand_id, color_id, gender_id, size_run_id ON shoes
BEGIN
  UPDATE facets SET shoes = shoes - 1
  WHERE id IN (OLD.category_id, OLD.brand_id, OLD.color_id, OLD.gender_id, OLD.size_run_id);
  UPDATE facets SET shoes = shoes + 1
  WHERE id IN (NEW.category_id, NEW.brand_id, NEW.color_id, NEW.gender_id, NEW.size_run_id);
END;
CREATE TRIGGER shoes_changed_feed AFTER UPDATE OF version ON shoes WHEN (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NEW.shoe_id, 'facts'), (NEW.shoe_id, 'collection');
END;
CREATE TRIGGER related_feed AFTER INSERT ON related WHEN (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NEW.shoe_id, 'facts');
END;
CREATE TRIGGER related_changed_feed AFTER UPDATE OF list ON related WHEN (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NEW.shoe_id, 'facts');
END;
CREATE TRIGGER shoes_counted_feed AFTER UPDATE OF likes, stock ON shoes
WHEN (SELECT bulk FROM dataset) = 0 AND (NEW.likes <> OLD.likes OR NEW.stock <> OLD.stock) AND NEW.version = OLD.version
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NEW.shoe_id, 'counters');
END;

-- A size that sells out or comes back moves the shoe in the index.
CREATE TRIGGER sizes_restocked AFTER UPDATE OF stock ON sizes WHEN NEW.stock <> OLD.stock
BEGIN
  UPDATE shoes SET stock = stock + NEW.stock - OLD.stock WHERE id = NEW.shoe;
  DELETE FROM search WHERE rowid = NEW.shoe AND (NEW.stock = 0) <> (OLD.stock = 0);
  INSERT INTO search (rowid, title, labels, description, tags)
  SELECT id, title, labels, description, tags FROM search_source
  WHERE id = NEW.shoe AND (NEW.stock = 0) <> (OLD.stock = 0);
END;

CREATE TRIGGER categories_feed AFTER INSERT ON facets WHEN NEW.kind = 'category' AND (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NULL, 'collection');
END;

-- Price bands by their lower bounds in minor units: 500 wide to 30000, 2500 to 100000, 10000 to 500000, 100000 to
-- 2000000, then open. Ten neighbours make a wide band, named by its own lower bound.
CREATE TABLE price_bands (cents INTEGER PRIMARY KEY, wide_cents INTEGER NOT NULL) STRICT;
WITH RECURSIVE band (n, cents) AS (
  SELECT 0, 0
  UNION ALL
  SELECT n + 1, cents + CASE
    WHEN cents < 30000 THEN 500 WHEN cents < 100000 THEN 2500 WHEN cents < 500000 THEN 10000 ELSE 100000 END
  FROM band WHERE cents < 2000000
)
INSERT INTO price_bands
SELECT cents, (SELECT w.cents FROM band AS w WHERE w.n = band.n / 10 * 10) FROM band;

-- What the search index holds for a shoe: the one place that says it.
CREATE VIEW search_source AS
SELECT
  s.id AS id,
  s.title AS title,
  concat_ws(' ', b.name, c.name, o.name) AS labels,
  s.description AS description,
  concat_ws(
    ' ',
    't' || s.category_id, 't' || s.brand_id, 't' || s.color_id, 't' || s.gender_id,
    (
      SELECT 'p' || cents || ' w' || wide_cents FROM price_bands
      WHERE cents <= s.price_cents ORDER BY cents DESC LIMIT 1
    ),
    CASE WHEN s.list_price_cents > s.price_cents THEN 'onsale' END,
    CASE WHEN s.stock > 0 THEN 'instock' END,
    (
      SELECT group_concat('t' || f.id || CASE WHEN z.stock > 0 THEN ' i' || f.id ELSE '' END, ' ')
      FROM sizes AS z JOIN facets AS f ON f.kind = 'size' AND f.key = lower(z.size)
      WHERE z.shoe = s.id AND z.size <> ''
    )
  ) AS tags
FROM shoes AS s
LEFT JOIN facets AS b ON b.id = s.brand_id
LEFT JOIN facets AS c ON c.id = s.category_id
LEFT JOIN facets AS o ON o.id = s.color_id;
