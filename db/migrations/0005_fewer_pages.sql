-- Fewer pages for each write: every page of a commit is copied into the log and onto every node.
-- oldest program: 4

-- An index ends with the row's id anyway; without it as a column its entries are shorter, so a changed value moves less far.
DROP INDEX shoes_by_likes;
CREATE INDEX shoes_by_likes ON shoes (likes);
DROP INDEX shoes_by_price;
CREATE INDEX shoes_by_price ON shoes (price_rank);
DROP INDEX shoes_by_category;
CREATE INDEX shoes_by_category ON shoes (category_id, price_rank);
DROP INDEX shoes_by_brand;
CREATE INDEX shoes_by_brand ON shoes (brand_id, price_rank);
-- Likes move too often for a second index.
DROP INDEX shoes_narrow;
CREATE INDEX shoes_narrow ON shoes (id, category_id, brand_id, color_id, gender_id, size_run_id, price_rank);

-- Write ids begin with their time, so the oldest are the first ones of the table.
DROP INDEX writes_by_age;

-- A shoe is removed seldom, and then with a walk over the likes: an index by shoe, or a reference that needs one, would
-- cost a page with every like.
ALTER TABLE likes RENAME TO likes_before;
CREATE TABLE likes (
  shoe INTEGER NOT NULL,
  user_id TEXT NOT NULL CHECK (length(user_id) BETWEEN 1 AND 64),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, shoe)
) STRICT, WITHOUT ROWID;
INSERT INTO likes (shoe, user_id, created_at) SELECT shoe, user_id, created_at FROM likes_before;
DROP TABLE likes_before;
CREATE TRIGGER shoes_removed_likes AFTER DELETE ON shoes WHEN OLD.likes > 0
BEGIN
  DELETE FROM likes WHERE shoe = OLD.id;
END;

-- Without AUTOINCREMENT the next number is that of the newest row and one, which saves the page of the counters. The audit
-- is never deleted, and of the feed the newest row stays.
ALTER TABLE audit RENAME TO audit_before;
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
INSERT INTO audit SELECT seq, at, actor, actor_kind, action, subject, detail FROM audit_before;
DROP TABLE audit_before;

-- Triggers name this table, and would follow one that is renamed.
CREATE TABLE changes_before (seq INTEGER PRIMARY KEY, shoe_id TEXT, kind TEXT, at INTEGER) STRICT;
INSERT INTO changes_before SELECT seq, shoe_id, kind, at FROM changes;
DROP TABLE changes;
CREATE TABLE changes (
  seq INTEGER PRIMARY KEY,
  shoe_id TEXT,
  kind TEXT NOT NULL CHECK (kind IN ('facts', 'collection', 'counters', 'session')),
  at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
) STRICT;
INSERT INTO changes SELECT seq, shoe_id, kind, at FROM changes_before;
DROP TABLE changes_before;
CREATE TRIGGER changes_pruned AFTER INSERT ON changes WHEN NEW.seq % 1000 = 0
BEGIN
  DELETE FROM changes WHERE seq <= NEW.seq - 100000;
END;
CREATE TRIGGER changes_newest_stays BEFORE DELETE ON changes WHEN OLD.seq = (SELECT max(seq) FROM changes)
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: the newest change stays');
END;
