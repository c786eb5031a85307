-- Mail: the tries, errors and keys of the outbox's rows, and when mail was first sent.
-- oldest program: 4

-- What a mail without an order is about; a kind has one mail for each key.
ALTER TABLE outbox ADD COLUMN key TEXT CHECK (length(key) BETWEEN 1 AND 200);
-- A process that sends a mail moves `due_at` ahead and counts the try first (its lease), so that only one sends it at a time.
ALTER TABLE outbox ADD COLUMN tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0);
ALTER TABLE outbox ADD COLUMN last_error TEXT;
ALTER TABLE outbox ADD COLUMN sent_at INTEGER CHECK (sent_at IS NULL OR state = 'sent');

CREATE UNIQUE INDEX outbox_keys ON outbox (kind, key) WHERE key IS NOT NULL;
CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 'due';
CREATE INDEX outbox_parked ON outbox (seq) WHERE state = 'parked';
-- Those whose content is no longer needed after a while.
CREATE INDEX outbox_finished ON outbox (due_at) WHERE state IN ('sent', 'withdrawn') AND data IS NOT NULL;

-- What a mail server says may name the recipient: it goes with the rest of a mail that is emptied.
CREATE TRIGGER outbox_emptied AFTER UPDATE OF data ON outbox WHEN NEW.data IS NULL AND NEW.last_error IS NOT NULL
BEGIN
  UPDATE outbox SET last_error = NULL WHERE seq = NEW.seq;
END;

-- When a sender of mail first started.
CREATE TABLE mail_start (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL) STRICT;

-- The mails of an account without an order; their keys begin with its id.
CREATE TRIGGER users_mails_removed BEFORE DELETE ON users
BEGIN
  DELETE FROM outbox WHERE kind = 'password-reset' AND key >= OLD.id || ' ' AND key < OLD.id || '!';
END;
