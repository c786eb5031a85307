// Rows about orders: they reach a node with their headers, and its problems reach the client. They place no order.
import { expectHeader, expectProblem, expectStatus, type Row } from "./row.ts";

const JSON_BODY = { "content-type": "application/json" };
/** A token of 43 characters, which opens nothing. */
const TOKEN = "A1".repeat(21).padEnd(43, "b");

export const ORDER_ROWS: Row[] = [
  {
    rule: "a quote reaches a node, and is not cached",
    async check({ send, nextShoe }) {
      const productId = nextShoe().split("/").at(-1);
      const body = JSON.stringify({ items: [{ productId, quantity: 0 }] });
      const response = await send("/api/orders/quote", { method: "POST", headers: JSON_BODY, body });
      expectProblem(response, 400, "invalid-request");
      if (!response.body.includes('"pointer":"/items/0/quantity"')) throw new Error("no field is named");
      expectHeader(response, "cache-status", null);
    },
  },
  {
    rule: "an order without a person is refused by a node",
    async check({ send }) {
      const headers = { ...JSON_BODY, "idempotency-key": "nginx/check" };
      for (const prefix of ["/api", "/v1"])
        expectProblem(
          await send(`${prefix}/orders`, { method: "POST", headers, body: "{}" }),
          401,
          "unauthorized",
        );
      expectProblem(await send("/api/orders"), 401, "unauthorized");
    },
  },
  {
    rule: "a node gets the token of an order",
    async check({ send }) {
      const path = "/api/orders/00000000-0000-7000-8000-000000000000";
      expectProblem(await send(path), 401, "unauthorized");
      const response = await send(path, { headers: { "order-token": TOKEN } });
      expectProblem(response, 404, "not-found");
      expectHeader(response, "cache-status", null);
    },
  },
  {
    rule: "a preflight for an order's token is answered by a node",
    async check({ send }) {
      const headers = {
        origin: "https://shop.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "order-token",
      };
      expectStatus(await send("/api/orders/x", { method: "OPTIONS", headers }), 204);
    },
  },
];
