-- Accounts and what they leave behind: users, sessions, admin keys, likes, kept answers, write ids and the audit.
-- oldest program: 1

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

-- One signing-in and all refresh tokens that came of it; ending it is removing it.
CREATE TABLE sessions (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Refresh tokens as SHA-256 in hex; a used one is kept, so that its reuse is seen.
CREATE TABLE refresh_tokens (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id, expires_at);

-- Keys for scripts, as SHA-256 in hex; a revoked one stays, and its name may be given again.
CREATE TABLE admin_keys (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX admin_keys_in_use ON admin_keys (name) WHERE revoked_at IS NULL;

-- Who changed what and when; `actor` is a user's id, or the name of a key, or NULL for the program itself.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT,
  actor_kind TEXT NOT NULL CHECK (actor_kind IN ('user', 'key', 'system')),
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL CHECK (json_valid(detail)),
  CHECK ((actor IS NULL) = (actor_kind = 'system'))
) STRICT;

-- Who likes what; `shoes.likes` is counted by whoever writes here.
CREATE TABLE likes (
  shoe INTEGER NOT NULL REFERENCES shoes (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL CHECK (length(user_id) BETWEEN 1 AND 64),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, shoe)
) STRICT, WITHOUT ROWID;
CREATE INDEX likes_by_shoe ON likes (shoe);

-- Answers kept for a repeated Idempotency-Key, written together with their effect.
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

-- The ids of writes that took effect, so that one whose outcome is unknown can be asked for.
CREATE TABLE writes (
  id TEXT NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX writes_by_age ON writes (at);

-- A session that ended, in whatever way, is told to every process; `shoe_id` holds the user's id.
CREATE TRIGGER sessions_ended AFTER DELETE ON sessions
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES (OLD.user_id, 'session');
END;
CREATE TRIGGER admin_keys_revoked AFTER UPDATE OF revoked_at ON admin_keys
BEGIN
  INSERT INTO changes (shoe_id, kind) VALUES ('key:' || NEW.name, 'session');
END;

-- Another role takes a new signing-in.
CREATE TRIGGER users_role_changed AFTER UPDATE OF role ON users WHEN NEW.role <> OLD.role
BEGIN
  DELETE FROM sessions WHERE user_id = NEW.id;
END;

-- A shop that has an admin keeps one.
CREATE TRIGGER users_last_admin_stays BEFORE UPDATE OF role ON users
WHEN OLD.role = 'admin' AND NEW.role <> 'admin' AND (SELECT count(*) FROM users WHERE role = 'admin') < 2
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: the last admin stays');
END;
CREATE TRIGGER users_last_admin_remains BEFORE DELETE ON users
WHEN OLD.role = 'admin' AND (SELECT count(*) FROM users WHERE role = 'admin') < 2
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: the last admin stays');
END;
