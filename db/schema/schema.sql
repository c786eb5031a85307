-- The schema after all migrations, to be read in reviews: the program does not read it. A new migration rewrites it:
-- npx --yes bun@1.4.4 run migrate --print-schema > db/schema/schema.sql

CREATE TABLE admin_keys (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX admin_keys_in_use ON admin_keys (name) WHERE revoked_at IS NULL;

CREATE TRIGGER admin_keys_revoked AFTER UPDATE OF revoked_at ON admin_keys
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES ('key:' || NEW.name, 'session');
END;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT,
  actor_kind TEXT NOT NULL CHECK (actor_kind IN ('user', 'key', 'system')),
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL CHECK (json_valid(detail)),
  CHECK ((actor IS NULL) = (actor_kind = 'system'))
) STRICT;

CREATE VIEW card_makings AS
SELECT id, version, json_object(
  'id', shoe_id,
  'title', title,
  'images', CASE WHEN images = '[]' THEN '/images/' || shoe_id || '.svg?v=' || version ELSE images ->> 0 END,
  'price', CASE WHEN price_cents % 100 = 0 THEN price_cents / 100 ELSE price_cents / 100.0 END,
  'href', coalesce(href, '/shoes/' || slug)
) AS card
FROM shoes;

CREATE TABLE cards (
  id INTEGER PRIMARY KEY REFERENCES shoes (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  card TEXT NOT NULL
) STRICT;

CREATE TABLE changes (
  seq INTEGER PRIMARY KEY,
  shoe_id TEXT,
  kind TEXT NOT NULL CHECK (kind IN ('facts', 'collection', 'counters', 'session')),
  at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
) STRICT;

CREATE TRIGGER changes_newest_stays BEFORE DELETE ON changes WHEN OLD.seq = (SELECT max(seq) FROM changes)
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: the newest change stays');
END;

CREATE TRIGGER changes_pruned AFTER INSERT ON changes WHEN NEW.seq % 1000 = 0
BEGIN
  DELETE FROM changes WHERE seq <= NEW.seq - 100000;
END;

CREATE TABLE dataset (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL,
  generation TEXT NOT NULL,
  bulk INTEGER NOT NULL DEFAULT 0 CHECK (bulk IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE facets (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('all', 'category', 'brand', 'color', 'gender', 'size', 'size_run')),
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  shoes INTEGER NOT NULL DEFAULT 0 CHECK (shoes >= 0),
  UNIQUE (kind, key)
) STRICT;

CREATE TRIGGER categories_feed AFTER INSERT ON facets WHEN NEW.kind = 'category' AND (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NULL, 'collection');
END;

CREATE TABLE idempotency (
  user_id TEXT NOT NULL,
  key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  request_hash TEXT NOT NULL,
  status INTEGER NOT NULL,
  headers TEXT NOT NULL CHECK (json_valid(headers)),
  body TEXT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE likes (
  shoe INTEGER NOT NULL,
  user_id TEXT NOT NULL CHECK (length(user_id) BETWEEN 1 AND 64),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, shoe)
) STRICT, WITHOUT ROWID;

CREATE TABLE mail_start (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL) STRICT;

CREATE TABLE migrations (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  oldest_program INTEGER NOT NULL,
  applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE order_history (
  number INTEGER NOT NULL REFERENCES orders (number),
  position INTEGER NOT NULL,
  status TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (number, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX order_history_cancelled ON order_history (at) WHERE status = 'cancelled';

CREATE TABLE order_lines (
  number INTEGER NOT NULL REFERENCES orders (number),
  position INTEGER NOT NULL CHECK (position BETWEEN 0 AND 49),
  shoe INTEGER NOT NULL,
  product_id TEXT NOT NULL CHECK (length(product_id) BETWEEN 1 AND 64),
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 300),
  size TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 100),
  price_cents INTEGER NOT NULL CHECK (price_cents >= 1),
  tax_cents INTEGER NOT NULL CHECK (tax_cents BETWEEN 0 AND price_cents * quantity),
  -- Pairs whose price was refunded, and pairs that are back in stock.
  refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND quantity),
  returned INTEGER NOT NULL DEFAULT 0 CHECK (returned BETWEEN 0 AND quantity),
  PRIMARY KEY (number, position)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER order_lines_fixed
BEFORE UPDATE OF number, position, shoe, size, quantity, price_cents, tax_cents ON order_lines
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: quantity = what was ordered');
END;

CREATE TRIGGER order_lines_kept BEFORE UPDATE OF returned ON order_lines WHEN NEW.returned < OLD.returned
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: returned >= what came back before');
END;

CREATE TRIGGER order_lines_returned AFTER UPDATE OF returned ON order_lines WHEN NEW.returned > OLD.returned
BEGIN
  UPDATE sizes SET stock = min(1000000, stock + NEW.returned - OLD.returned) WHERE shoe = NEW.shoe AND size = NEW.size;
  UPDATE stock_taken SET pairs = pairs - (NEW.returned - OLD.returned) WHERE shoe = NEW.shoe AND size = NEW.size;
END;

CREATE TRIGGER order_lines_stay BEFORE DELETE ON order_lines
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: lines of orders stay');
END;

CREATE TRIGGER order_lines_taken AFTER INSERT ON order_lines
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: stock >= what is ordered')
  WHERE NOT EXISTS (SELECT 1 FROM sizes WHERE shoe = NEW.shoe AND size = NEW.size);
  UPDATE sizes SET stock = stock - NEW.quantity WHERE shoe = NEW.shoe AND size = NEW.size;
  INSERT INTO stock_taken (shoe, size, pairs) VALUES (NEW.shoe, NEW.size, NEW.quantity)
  ON CONFLICT (shoe, size) DO UPDATE SET pairs = pairs + excluded.pairs;
END;

CREATE TABLE orders (
  number INTEGER PRIMARY KEY CHECK (number >= 10001),
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
  user_id TEXT REFERENCES users (id),
  -- Empty once its account was removed.
  email TEXT NOT NULL CHECK (length(email) <= 254),
  email_key TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'confirmed', 'shipped', 'delivered', 'cancelled')),
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  items_cents INTEGER NOT NULL CHECK (items_cents >= 1),
  shipping_cents INTEGER NOT NULL CHECK (shipping_cents >= 0),
  tax_cents INTEGER NOT NULL CHECK (tax_cents BETWEEN 0 AND total_cents),
  total_cents INTEGER NOT NULL CHECK (total_cents = items_cents + shipping_cents),
  address TEXT CHECK (json_valid(address)),
  shipping_method TEXT NOT NULL CHECK (length(shipping_method) BETWEEN 1 AND 64),
  payment_method TEXT NOT NULL CHECK (payment_method IN ('card', 'invoice')),
  payment_status TEXT NOT NULL CHECK (
    payment_status IN (
      'none', 'authorizing', 'requires_action', 'authorized', 'captured', 'voided', 'partially_refunded', 'refunded',
      'declined', 'unknown'
    )
  ),
  payment_reference TEXT,
  redirect_url TEXT,
  captured_cents INTEGER NOT NULL DEFAULT 0 CHECK (captured_cents IN (0, total_cents)),
  refunded_cents INTEGER NOT NULL DEFAULT 0 CHECK (refunded_cents BETWEEN 0 AND captured_cents),
  tracking_url TEXT,
  cart_id TEXT CHECK (length(cart_id) BETWEEN 16 AND 64),
  -- The client's address while the order waits for its payment, for the limit of such orders.
  client TEXT,
  changed_by TEXT NOT NULL CHECK (changed_by IN ('customer', 'admin', 'gateway', 'system')),
  -- Until when an order that waits for its payment holds its stock.
  held_until INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  confirmed_at INTEGER
) STRICT;

CREATE INDEX orders_by_confirmation ON orders (confirmed_at) WHERE confirmed_at IS NOT NULL;

CREATE INDEX orders_by_email ON orders (email_key);

CREATE INDEX orders_by_status ON orders (status);

CREATE INDEX orders_by_user ON orders (user_id) WHERE user_id IS NOT NULL;

CREATE UNIQUE INDEX orders_cart ON orders (cart_id) WHERE cart_id IS NOT NULL AND status <> 'cancelled';

CREATE INDEX orders_waiting ON orders (coalesce(user_id, email_key)) WHERE status = 'pending' AND payment_status <> 'authorizing';

CREATE INDEX orders_waiting_by_client ON orders (client) WHERE status = 'pending' AND payment_status <> 'authorizing';

CREATE TRIGGER orders_address_forgotten AFTER UPDATE OF status ON orders
WHEN NEW.email = '' AND NEW.address IS NOT NULL AND NEW.status NOT IN ('pending', 'confirmed')
BEGIN
  UPDATE orders SET address = NULL WHERE number = NEW.number;
END;

CREATE TRIGGER orders_cancelled AFTER UPDATE OF status ON orders
WHEN NEW.status = 'cancelled' AND OLD.status <> 'cancelled'
BEGIN
  UPDATE order_lines SET returned = quantity WHERE number = NEW.number;
END;

CREATE TRIGGER orders_placed AFTER INSERT ON orders
BEGIN
  INSERT INTO order_history (number, position, status, changed_by, at)
  VALUES (NEW.number, 1, NEW.status, NEW.changed_by, NEW.created_at);
END;

CREATE TRIGGER orders_stay BEFORE DELETE ON orders
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: orders stay');
END;

CREATE TRIGGER orders_step BEFORE UPDATE OF status ON orders
WHEN NEW.status <> OLD.status AND (OLD.status || ' ' || NEW.status) NOT IN (
  'pending confirmed', 'pending cancelled', 'confirmed shipped', 'confirmed cancelled', 'shipped delivered'
)
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: status = a step that is allowed');
END;

CREATE TRIGGER orders_stepped AFTER UPDATE OF status ON orders WHEN NEW.status <> OLD.status
BEGIN
  -- A step may carry the time of a process whose clock, or whose look at it, is behind that of the step before.
  INSERT INTO order_history (number, position, status, changed_by, at)
  SELECT NEW.number, max(position) + 1, NEW.status, NEW.changed_by, max(NEW.updated_at, max(at))
  FROM order_history WHERE number = NEW.number;
  UPDATE outbox SET state = iif(NEW.status = 'cancelled', 'withdrawn', 'due'), due_at = NEW.updated_at
  WHERE number = NEW.number AND state = 'held';
END;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  number INTEGER REFERENCES orders (number),
  kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 40),
  part INTEGER NOT NULL DEFAULT 0,
  recipient TEXT,
  data TEXT CHECK (json_valid(data)),
  state TEXT NOT NULL CHECK (state IN ('held', 'due', 'sent', 'parked', 'withdrawn')),
  due_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL, key TEXT CHECK (length(key) BETWEEN 1 AND 200), tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0), last_error TEXT, sent_at INTEGER CHECK (sent_at IS NULL OR state = 'sent'),
  UNIQUE (number, kind, part)
) STRICT;

CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 'due';

CREATE INDEX outbox_finished ON outbox (due_at) WHERE state IN ('sent', 'withdrawn') AND data IS NOT NULL;

CREATE UNIQUE INDEX outbox_keys ON outbox (kind, key) WHERE key IS NOT NULL;

CREATE INDEX outbox_parked ON outbox (seq) WHERE state = 'parked';

CREATE TRIGGER outbox_emptied AFTER UPDATE OF data ON outbox WHEN NEW.data IS NULL AND NEW.last_error IS NOT NULL
BEGIN
  UPDATE outbox SET last_error = NULL WHERE seq = NEW.seq;
END;

CREATE TABLE payment_events (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
  number INTEGER NOT NULL REFERENCES orders (number),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE payment_requests (
  number INTEGER NOT NULL REFERENCES orders (number),
  kind TEXT NOT NULL CHECK (kind IN ('authorise', 'capture', 'void', 'refund')),
  refund INTEGER NOT NULL DEFAULT 0 CHECK ((refund >= 1) = (kind = 'refund')),
  amount_cents INTEGER NOT NULL CHECK (amount_cents >= 1),
  state TEXT NOT NULL CHECK (state IN ('due', 'done', 'refused')),
  due_at INTEGER NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
  created_at INTEGER NOT NULL,
  settled_at INTEGER,
  PRIMARY KEY (number, kind, refund)
) STRICT, WITHOUT ROWID;

CREATE INDEX payment_requests_due ON payment_requests (due_at) WHERE state = 'due';

CREATE TABLE price_bands (cents INTEGER PRIMARY KEY, wide_cents INTEGER NOT NULL) STRICT;

CREATE TABLE refresh_tokens (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id, expires_at);

CREATE TABLE refund_lines (
  number INTEGER NOT NULL,
  refund INTEGER NOT NULL,
  position INTEGER NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 100),
  PRIMARY KEY (number, refund, position),
  FOREIGN KEY (number, refund) REFERENCES refunds (number, position),
  FOREIGN KEY (number, position) REFERENCES order_lines (number, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE refunds (
  number INTEGER NOT NULL REFERENCES orders (number),
  position INTEGER NOT NULL CHECK (position >= 1),
  amount_cents INTEGER NOT NULL CHECK (amount_cents >= 1),
  restock INTEGER NOT NULL CHECK (restock IN (0, 1)),
  -- The gateway may refuse a refund; then its amount and its lines no longer count.
  state TEXT NOT NULL CHECK (state IN ('due', 'done', 'refused')),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (number, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX refunds_by_time ON refunds (created_at);

CREATE TABLE related (
  shoe INTEGER PRIMARY KEY REFERENCES shoes (id) ON DELETE CASCADE,
  shoe_id TEXT NOT NULL,
  given INTEGER NOT NULL CHECK (given IN (0, 1)),
  list TEXT NOT NULL CHECK (json_valid(list)),
  CHECK (given = 0 OR instr(list, '"' || shoe_id || '"') = 0),
  CHECK (given = 1 OR instr(replace(replace(list, '[', ','), ']', ','), ',' || shoe || ',') = 0)
) STRICT;

CREATE TRIGGER related_changed_feed AFTER UPDATE OF list ON related WHEN (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NEW.shoe_id, 'facts');
END;

CREATE TRIGGER related_feed AFTER INSERT ON related WHEN (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NEW.shoe_id, 'facts');
END;

CREATE TABLE related_pending (
  shoe INTEGER PRIMARY KEY REFERENCES shoes (id) ON DELETE CASCADE
) STRICT;

CREATE TABLE sandbox_payments (
  id TEXT NOT NULL PRIMARY KEY,
  token TEXT NOT NULL,
  amount_cents INTEGER NOT NULL CHECK (amount_cents >= 0),
  currency TEXT NOT NULL,
  status TEXT NOT NULL CHECK (
    status IN ('processing', 'requires_action', 'authorized', 'captured', 'declined', 'voided')
  ),
  captured_cents INTEGER NOT NULL DEFAULT 0 CHECK (captured_cents BETWEEN 0 AND amount_cents),
  refunded_cents INTEGER NOT NULL DEFAULT 0 CHECK (refunded_cents BETWEEN 0 AND captured_cents),
  return_url TEXT,
  -- When a payment under processing becomes authorised; NULL: never.
  settles_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sandbox_requests (
  key TEXT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL REFERENCES sandbox_payments (id),
  amount_cents INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE search USING fts5 (
  title, labels, description, tags,
  content = '', contentless_delete = 1, detail = column, tokenize = 'unicode61 remove_diacritics 2'
);

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

CREATE TABLE sessions (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE INDEX sessions_by_user ON sessions (user_id, created_at);

CREATE TRIGGER sessions_ended AFTER DELETE ON sessions
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (OLD.user_id, 'session');
END;

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

CREATE INDEX shoes_by_brand ON shoes (brand_id, price_rank);

CREATE INDEX shoes_by_category ON shoes (category_id, price_rank);

CREATE INDEX shoes_by_likes ON shoes (likes);

CREATE INDEX shoes_by_price ON shoes (price_rank);

CREATE INDEX shoes_by_title ON shoes (title COLLATE NOCASE, id);

CREATE INDEX shoes_demo ON shoes (id) WHERE origin = 'demo';

CREATE INDEX shoes_narrow ON shoes (id, category_id, brand_id, color_id, gender_id, size_run_id, price_rank);

CREATE INDEX shoes_new_by_brand ON shoes (brand_id);

CREATE INDEX shoes_new_by_category ON shoes (category_id);

CREATE TRIGGER shoes_added AFTER INSERT ON shoes
BEGIN
  UPDATE facets SET shoes = shoes + 1
  WHERE id IN (1, NEW.category_id, NEW.brand_id, NEW.color_id, NEW.gender_id, NEW.size_run_id);
END;

CREATE TRIGGER shoes_added_card AFTER INSERT ON shoes
BEGIN
  INSERT INTO cards (id, version, card) SELECT id, version, card FROM card_makings WHERE id = NEW.id;
END;

CREATE TRIGGER shoes_added_feed AFTER INSERT ON shoes WHEN (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NEW.shoe_id, 'facts'), (NEW.shoe_id, 'collection');
END;

CREATE TRIGGER shoes_changed_card AFTER UPDATE OF shoe_id, version, title, images, price_cents, href, slug ON shoes
BEGIN
  UPDATE cards SET (version, card) = (SELECT version, card FROM card_makings WHERE id = NEW.id) WHERE id = NEW.id;
END;

CREATE TRIGGER shoes_changed_feed AFTER UPDATE OF version ON shoes WHEN (SELECT bulk FROM dataset) = 0
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NEW.shoe_id, 'facts'), (NEW.shoe_id, 'collection');
END;

CREATE TRIGGER shoes_counted_feed AFTER UPDATE OF likes, stock ON shoes
WHEN (SELECT bulk FROM dataset) = 0 AND (NEW.likes <> OLD.likes OR NEW.stock <> OLD.stock) AND NEW.version = OLD.version
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (NEW.shoe_id, 'counters');
END;

CREATE TRIGGER shoes_relabelled AFTER UPDATE OF category_id, brand_id, color_id, gender_id, size_run_id ON shoes
BEGIN
  UPDATE facets SET shoes = shoes - 1
  WHERE id IN (OLD.category_id, OLD.brand_id, OLD.color_id, OLD.gender_id, OLD.size_run_id);
  UPDATE facets SET shoes = shoes + 1
  WHERE id IN (NEW.category_id, NEW.brand_id, NEW.color_id, NEW.gender_id, NEW.size_run_id);
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

CREATE TRIGGER shoes_removed_likes AFTER DELETE ON shoes WHEN OLD.likes > 0
BEGIN
  DELETE FROM likes WHERE shoe = OLD.id;
END;

CREATE TABLE sizes (
  shoe INTEGER NOT NULL REFERENCES shoes (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  size TEXT NOT NULL,
  stock INTEGER NOT NULL CHECK (stock BETWEEN 0 AND 1000000),
  PRIMARY KEY (shoe, position),
  UNIQUE (shoe, size)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER sizes_restocked AFTER UPDATE OF stock ON sizes WHEN NEW.stock <> OLD.stock
BEGIN
  UPDATE shoes SET stock = stock + NEW.stock - OLD.stock WHERE id = NEW.shoe;
  DELETE FROM search WHERE rowid = NEW.shoe AND (NEW.stock = 0) <> (OLD.stock = 0);
  INSERT INTO search (rowid, title, labels, description, tags)
  SELECT id, title, labels, description, tags FROM search_source
  WHERE id = NEW.shoe AND (NEW.stock = 0) <> (OLD.stock = 0);
END;

CREATE TABLE stock_taken (
  shoe INTEGER NOT NULL,
  size TEXT NOT NULL,
  pairs INTEGER NOT NULL CHECK (pairs >= 0),
  PRIMARY KEY (shoe, size)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
  email TEXT NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  -- The address folded, so that it is one account in any case.
  email_key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  phone TEXT CHECK (length(phone) BETWEEN 1 AND 32),
  role TEXT NOT NULL DEFAULT 'customer' CHECK (role IN ('customer', 'admin')),
  password_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  last_login INTEGER
) STRICT;

CREATE INDEX users_admins ON users (id) WHERE role = 'admin';

CREATE TRIGGER users_last_admin_remains BEFORE DELETE ON users
WHEN OLD.role = 'admin' AND (SELECT count(*) FROM users WHERE role = 'admin') < 2
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: the last admin stays');
END;

CREATE TRIGGER users_last_admin_stays BEFORE UPDATE OF role ON users
WHEN OLD.role = 'admin' AND NEW.role <> 'admin' AND (SELECT count(*) FROM users WHERE role = 'admin') < 2
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: the last admin stays');
END;

CREATE TRIGGER users_mails_removed BEFORE DELETE ON users
BEGIN
  DELETE FROM outbox WHERE kind = 'password-reset' AND key >= OLD.id || ' ' AND key < OLD.id || '!';
END;

CREATE TRIGGER users_orders_anonymised BEFORE DELETE ON users
BEGIN
  UPDATE outbox SET recipient = NULL, data = NULL, state = iif(state = 'sent', 'sent', 'withdrawn')
  WHERE number IN (SELECT number FROM orders WHERE user_id = OLD.id);
  UPDATE orders SET user_id = NULL, email = '', email_key = '', client = iif(status = 'pending', client, NULL),
    address = iif(status IN ('pending', 'confirmed'), address, NULL)
  WHERE user_id = OLD.id;
END;

CREATE TRIGGER users_role_changed AFTER UPDATE OF role ON users WHEN NEW.role <> OLD.role
BEGIN
  DELETE FROM sessions WHERE user_id = NEW.id;
END;

CREATE TABLE word_trigrams (
  trigram TEXT NOT NULL,
  word TEXT NOT NULL,
  PRIMARY KEY (trigram, word)
) STRICT, WITHOUT ROWID;

CREATE TABLE words (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE writes (
  id TEXT NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
