// The decision of a buyer after each response to an order.
import { expect, test } from "bun:test";
import { meaningOf } from "./buyers.ts";

const of = (status: number, body: object) => meaningOf({ status, text: JSON.stringify(body) });
const problem = (type: string) => ({ type: `/problems/${type}` });
const order = (status: string) => ({ data: { id: "o", status } });

test.each([
  ["no response", meaningOf({ status: 0, text: "" }), "repeat"],
  ["the edge's own page", meaningOf({ status: 503, text: "<html>" }), "repeat"],
  ["an unknown outcome", of(504, problem("outcome-unknown")), "repeat"],
  ["the first request under way", of(409, problem("request-under-way")), "repeat"],
  ["a payment without an outcome", of(201, order("pending")), "repeat"],
  ["a confirmed order", of(201, order("confirmed")), { id: "o", status: "confirmed" }],
  ["a cancelled order", of(201, order("cancelled")), "anew"],
  ["an order that was not paid", of(402, problem("payment-declined")), "anew"],
  ["nothing left", of(409, problem("out-of-stock")), "out of stock"],
  ["another conflict", of(409, problem("conflict")), "unexpected"],
  ["a fault", of(500, problem("internal-error")), "unexpected"],
])("%s", (_, meaning, expected) => {
  expect(meaning).toEqual(expected as never);
});
