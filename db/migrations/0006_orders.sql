-- Orders: their lines, history and refunds, the requests to the payment gateway, the outbox, and the sandbox gateway's records.
-- oldest program: 4

-- Pairs that the lines of orders hold, by size; a size that is removed keeps its row.
CREATE TABLE stock_taken (
  shoe INTEGER NOT NULL,
  size TEXT NOT NULL,
  pairs INTEGER NOT NULL CHECK (pairs >= 0),
  PRIMARY KEY (shoe, size)
) STRICT, WITHOUT ROWID;

-- Amounts in minor units. `payment_status` is 'authorizing' until the first answer of the gateway is stored.
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
CREATE INDEX orders_by_user ON orders (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX orders_by_email ON orders (email_key);
CREATE UNIQUE INDEX orders_cart ON orders (cart_id) WHERE cart_id IS NOT NULL AND status <> 'cancelled';
CREATE INDEX orders_by_confirmation ON orders (confirmed_at) WHERE confirmed_at IS NOT NULL;
CREATE INDEX orders_by_status ON orders (status);
-- Those that wait for their payment; one that is being authorised is not among them.
CREATE INDEX orders_waiting ON orders (coalesce(user_id, email_key)) WHERE status = 'pending' AND payment_status <> 'authorizing';
CREATE INDEX orders_waiting_by_client ON orders (client) WHERE status = 'pending' AND payment_status <> 'authorizing';

-- The lines of orders, copied when the order was placed. `shoe` is the row that the stock was taken from, which may be gone.
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

CREATE TABLE order_history (
  number INTEGER NOT NULL REFERENCES orders (number),
  position INTEGER NOT NULL,
  status TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (number, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_history_cancelled ON order_history (at) WHERE status = 'cancelled';

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

CREATE TABLE refund_lines (
  number INTEGER NOT NULL,
  refund INTEGER NOT NULL,
  position INTEGER NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 100),
  PRIMARY KEY (number, refund, position),
  FOREIGN KEY (number, refund) REFERENCES refunds (number, position),
  FOREIGN KEY (number, position) REFERENCES order_lines (number, position)
) STRICT, WITHOUT ROWID;

-- Requests to the gateway, each written before it is sent. A process that sends one moves `due_at` ahead first (its lease),
-- so that only one asks at a time. `refund` is the position of the refund, 0 for the other kinds.
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

-- The events of gateways that took effect.
CREATE TABLE payment_events (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
  number INTEGER NOT NULL REFERENCES orders (number),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Mails to send: `data` holds all that the mail shows. 'held' until the payment of its order is settled, 'withdrawn' when
-- the order was cancelled before. `part` tells several mails of one kind apart. No recipient: the staff of the shop.
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  number INTEGER REFERENCES orders (number),
  kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 40),
  part INTEGER NOT NULL DEFAULT 0,
  recipient TEXT,
  data TEXT CHECK (json_valid(data)),
  state TEXT NOT NULL CHECK (state IN ('held', 'due', 'sent', 'parked', 'withdrawn')),
  due_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (number, kind, part)
) STRICT;

-- The sandbox gateway's own records: it stands for a company elsewhere, so no other table refers to them.
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

CREATE TRIGGER orders_stay BEFORE DELETE ON orders
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: orders stay');
END;

CREATE TRIGGER orders_placed AFTER INSERT ON orders
BEGIN
  INSERT INTO order_history (number, position, status, changed_by, at)
  VALUES (NEW.number, 1, NEW.status, NEW.changed_by, NEW.created_at);
END;

-- The allowed steps, the same as in app/orders/steps.ts.
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

-- Every way to 'cancelled' gives the stock back, once: no step leads away from it, and `returned` never falls.
CREATE TRIGGER orders_cancelled AFTER UPDATE OF status ON orders
WHEN NEW.status = 'cancelled' AND OLD.status <> 'cancelled'
BEGIN
  UPDATE order_lines SET returned = quantity WHERE number = NEW.number;
END;

-- A line takes its stock when it is written: the CHECK of `sizes` refuses what is not there, and a size without a row has none.
CREATE TRIGGER order_lines_taken AFTER INSERT ON order_lines
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: stock >= what is ordered')
  WHERE NOT EXISTS (SELECT 1 FROM sizes WHERE shoe = NEW.shoe AND size = NEW.size);
  UPDATE sizes SET stock = stock - NEW.quantity WHERE shoe = NEW.shoe AND size = NEW.size;
  INSERT INTO stock_taken (shoe, size, pairs) VALUES (NEW.shoe, NEW.size, NEW.quantity)
  ON CONFLICT (shoe, size) DO UPDATE SET pairs = pairs + excluded.pairs;
END;

-- What a line has taken from stock, and what it costs, never changes.
CREATE TRIGGER order_lines_stay BEFORE DELETE ON order_lines
BEGIN
  SELECT RAISE(ABORT, 'CHECK constraint failed: lines of orders stay');
END;
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

-- An account that is removed leaves its orders without a person. The address stays until the order is on its way.
CREATE TRIGGER users_orders_anonymised BEFORE DELETE ON users
BEGIN
  UPDATE outbox SET recipient = NULL, data = NULL, state = iif(state = 'sent', 'sent', 'withdrawn')
  WHERE number IN (SELECT number FROM orders WHERE user_id = OLD.id);
  UPDATE orders SET user_id = NULL, email = '', email_key = '', client = iif(status = 'pending', client, NULL),
    address = iif(status IN ('pending', 'confirmed'), address, NULL)
  WHERE user_id = OLD.id;
END;
CREATE TRIGGER orders_address_forgotten AFTER UPDATE OF status ON orders
WHEN NEW.email = '' AND NEW.address IS NOT NULL AND NEW.status NOT IN ('pending', 'confirmed')
BEGIN
  UPDATE orders SET address = NULL WHERE number = NEW.number;
END;
