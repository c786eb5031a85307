-- The newest shoes of a category or a brand, the commonest pages of all, by an index of their own: rows of equal label lie in the order of their ids.
-- oldest program: 2

CREATE INDEX shoes_new_by_category ON shoes (category_id);
CREATE INDEX shoes_new_by_brand ON shoes (brand_id);
