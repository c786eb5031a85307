-- A shoe's card: what is shown of it beside another shoe, as finished JSON, so that related shoes need no wide row.
-- oldest program: 2

-- Kept by triggers alone. A picture or address on this site has no host: whoever reads puts PUBLIC_URL before it.
CREATE TABLE cards (
  id INTEGER PRIMARY KEY REFERENCES shoes (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  card TEXT NOT NULL
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

INSERT INTO cards (id, version, card) SELECT id, version, card FROM card_makings;

CREATE TRIGGER shoes_added_card AFTER INSERT ON shoes
BEGIN
  INSERT INTO cards (id, version, card) SELECT id, version, card FROM card_makings WHERE id = NEW.id;
END;

CREATE TRIGGER shoes_changed_card AFTER UPDATE OF shoe_id, version, title, images, price_cents, href, slug ON shoes
BEGIN
  UPDATE cards SET (version, card) = (SELECT version, card FROM card_makings WHERE id = NEW.id) WHERE id = NEW.id;
END;
