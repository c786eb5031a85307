// The route of an order's page, to which receipts link; it is absent where they link to a page elsewhere.
import { Elysia } from "elysia";
import type { Database } from "../../db/database.ts";
import { facts } from "../http/routing.ts";
import { findShownOrder, type OrderTokens } from "../orders/orders.ts";
import { noOrderPage, orderPage, orderPageWithoutToken, type Writing } from "./order.ts";
import { folderFile } from "./routes.ts";

/** The services of the page. */
export type OrderPageServices = {
  db: Database;
  orderTokens: OrderTokens;
  publicDir: string | null;
  /** `null`: ORDER_URL leads elsewhere. */
  orderPages: Writing | null;
};

/** A page is no operation of the API. */
const page = { ...facts({ counts: "request" }), detail: { hide: true } };

/** The route outside the prefixes. `seed` is as in `Asked`. */
export function orderPageRoutes({ db, orderTokens, publicDir, orderPages }: OrderPageServices, seed: bigint) {
  const routes = new Elysia({ name: "order-pages" });
  if (orderPages === null) return routes;
  return routes.get(
    "/orders/:id",
    async ({ request, params }) => {
      // A storefront in PUBLIC_DIR keeps its own paths.
      const file = publicDir === null ? null : await folderFile(publicDir, { request, seed });
      if (file !== null) return file;
      const orderToken = new URL(request.url).searchParams.get("token") ?? "";
      if (orderToken === "") return orderPageWithoutToken(orderPages);
      const order = await findShownOrder(db, orderTokens, { orderId: params.id, orderToken });
      return order === null ? noOrderPage(orderPages) : orderPage(orderPages, order);
    },
    page,
  );
}
