// The rules of stock: what was taken is what the lines of orders hold.
import type { Rule } from "../rule.ts";

const NAME = "'shoe ' || coalesce((SELECT shoe_id FROM shoes WHERE id = shoe), shoe)";

export const STOCK_RULES: Rule[] = [
  {
    sentence: "Of each shoe and size as many pairs are taken as lines of orders hold.",
    by: "shoes",
    sql: `WITH held (shoe, size, pairs) AS MATERIALIZED (
  SELECT shoe, size, sum(quantity - returned) FROM order_lines WHERE shoe > ?1 AND shoe <= ?2 GROUP BY shoe, size
), compared (shoe, size, taken, pairs) AS (
  SELECT h.shoe, h.size, coalesce(t.pairs, 0), h.pairs
  FROM held AS h LEFT JOIN stock_taken AS t ON t.shoe = h.shoe AND t.size = h.size
  UNION ALL
  SELECT t.shoe, t.size, t.pairs, 0 FROM stock_taken AS t
  WHERE t.shoe > ?1 AND t.shoe <= ?2 AND (t.shoe, t.size) NOT IN (SELECT shoe, size FROM held)
)
SELECT ${NAME} || ', size "' || size || '": ' || taken || ' pairs are taken, lines hold ' || pairs
FROM compared WHERE taken <> pairs`,
  },
  {
    sentence: "The stock of a shoe is the sum of its sizes, and no size has less than no pair.",
    by: "shoes",
    sql: `SELECT 'shoe ' || shoe_id || ': its stock is ' || stock || ', its sizes have ' || pairs || ', the least ' || least
FROM (
  SELECT s.shoe_id, s.stock, coalesce(sum(z.stock), 0) AS pairs, coalesce(min(z.stock), 0) AS least
  FROM shoes AS s LEFT JOIN sizes AS z ON z.shoe = s.id WHERE s.id > ?1 AND s.id <= ?2 GROUP BY s.id
) WHERE stock <> pairs OR least < 0`,
  },
];
