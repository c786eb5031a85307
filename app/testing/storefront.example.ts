// A storefront's first lines and its first order: a client whose types come from the shop's OpenAPI document.
// `bun run check:client` makes those types and checks this file against them.
import createClient from "openapi-fetch";
import type { components, paths } from "../../data/client/api.d.ts";

/** The data of a response; throws the detail of a problem. */
function answered<T>({ data, error }: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (data === undefined) throw new Error(error?.detail ?? "the shop did not respond");
  return data;
}

/** The lines of a shop window: the cheapest shoes, their brands, one shoe with its related ones, and the categories. */
export async function windowOf(shopUrl: string): Promise<string[]> {
  const shop = createClient<paths>({ baseUrl: `${shopUrl}/api` });

  const list = answered(
    await shop.GET("/shoes", {
      params: { query: { inStock: true, sort: "price_asc", limit: 5, facets: true } },
    }),
  );
  const lines = list.data.map(({ title, price, currency }) => `${title}: ${price} ${currency}`);
  for (const { value, count } of list.facets?.brand ?? []) lines.push(`${value} has ${count}`);

  for (const { id } of list.data.slice(0, 1)) {
    const { data: shoe } = answered(await shop.GET("/shoes/{id}", { params: { path: { id } } }));
    lines.push(
      `${shoe.title} in ${shoe.sizes.map(({ size, stock }) => `${size} (${stock} left)`).join(", ")}`,
    );
    const related = answered(await shop.GET("/shoes/{id}/relatedproducts", { params: { path: { id } } }));
    for (const { title, price } of related.relatedProducts) lines.push(`goes with ${title}, ${price}`);
  }

  const categories = answered(await shop.GET("/categories"));
  return [...lines, ...categories.data.map(({ name, count }) => `${name}: ${count}`)];
}

/** Orders one pair as a guest, for the total of a quote, and reads the order by its token; throws when it is not confirmed. */
export async function orderOnePair(shopUrl: string, productId: string, size: string): Promise<string> {
  const shop = createClient<paths>({ baseUrl: `${shopUrl}/api` });
  const items = [{ productId, size, quantity: 1 }];
  const { data: quote } = answered(await shop.POST("/orders/quote", { body: { items, country: "DE" } }));
  const { data: placed } = answered(
    await shop.POST("/orders", {
      params: { header: { "Idempotency-Key": crypto.randomUUID() } },
      body: {
        items,
        email: "guest@shop.example",
        shippingAddress: { street: "Main Street 1", city: "Berlin", country: "DE" },
        expectedTotal: quote.totalAmount,
      },
    }),
  );
  const { data: order } = answered(
    await shop.GET("/orders/{id}", {
      params: { path: { id: placed.id }, header: { "Order-Token": placed.accessToken ?? "" } },
    }),
  );
  if (order.status !== "confirmed") throw new Error(`order ${order.number} is ${order.status}`);
  return `${order.items[0]?.productName} for ${order.totalAmount} ${order.currency}`;
}
