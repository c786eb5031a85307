// Hostile titles and sizes of shoes, and guests' addresses made of them: an order, its quote and its mails hold them unchanged.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { NON_BLANK_LINE } from "../../http/field-kinds.ts";
import { ask } from "../people.ts";
import { openTestShop, saveAll, shoe, type TestShop } from "../shop.ts";
import { HOSTILE } from "./hostile.ts";

const TIMEOUT_MS = 60_000;
const SIZE_MAX = 16;
const TITLE_MAX = 300;

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop([], { OPEN_ORDERS_ADDRESS_MAX: "0" });
});
afterAll(() => shop.close());

type Line = { productId: string; productName: string; size: string; quantity: number; price: number };
type Order = { id: string; email: string; items: Line[]; accessToken: string };

test(
  "an order shows titles and sizes as they are sold, and the address of its guest",
  async () => {
    let ordered = 0;
    for (const [name, text] of Object.entries(HOSTILE)) {
      if (!NON_BLANK_LINE.pattern.test(text)) continue;
      ordered += 1;
      const size = text.slice(0, SIZE_MAX).toWellFormed();
      const title = text.slice(0, TITLE_MAX).toWellFormed();
      const productId = `hostile${ordered}`;
      await saveAll(shop.db, [shoe(productId, { title, sizes: [{ size, stock: 9 }] })], false);
      const item = { productId, size, quantity: 2 };
      const email = `${encodeURIComponent(title).replace(/[()]/g, "+").slice(0, 60)}-${ordered}@shop.example`;
      const quote = await ask(shop, "POST", "/api/orders/quote", { body: { items: [item] } });
      const answer = await ask(shop, "POST", "/api/orders", { body: { items: [item], email } });
      const line = { ...item, productName: title, price: 50 };
      expect([name, quote.status, answer.status]).toEqual([name, 200, 201]);
      expect(((await quote.json()) as { data: Order }).data.items).toEqual([line]);
      const { data: order } = (await answer.json()) as { data: Order };
      expect([order.email, order.items]).toEqual([email, [line]]);
      const headers = { "order-token": order.accessToken };
      const read = await ask(shop, "GET", `/api/orders/${order.id}`, { headers });
      expect(((await read.json()) as { data: Order }).data.items).toEqual([line]);
      const mails = shop.db.read.all<[string, string]>(
        "SELECT kind, data FROM outbox JOIN orders USING (number) WHERE id = ? ORDER BY kind",
        order.id,
      );
      expect(mails.map(([kind, data]) => [kind, (JSON.parse(data) as Order).items])).toEqual([
        ["alert", [line]],
        ["receipt", [line]],
      ]);
    }
    expect(ordered).toBeGreaterThan(50);
  },
  TIMEOUT_MS,
);
