// The judgement over a run of mails: each fault is seen, and a repeat is allowed where a kill explains it.
import { describe, expect, test } from "bun:test";
import type { Row } from "../../../db/database.ts";
import { type Evidence, judge } from "./judge.ts";

const ORDERS = ["a", "b", "c"];
const emailOf = (id: string) => `${id}@mail.example`;
const numberOf = (id: string) => String(10_001 + ORDERS.indexOf(id));
const mail = (id: string, to = emailOf(id), text = `Your order ${numberOf(id)}`) => ({
  messageId: `<receipt.0.${id}@shop.example>`,
  to: [to],
  raw: Buffer.from(text),
});
const row = (id: string, given: { status?: string; state?: string; recipient?: string } = {}): Row => {
  const { status = "confirmed", state = "sent", recipient = emailOf(id) } = given;
  return [id, emailOf(id), status, state, 2, recipient];
};

const evidence = (given: Partial<Evidence> = {}): Evidence => ({
  bought: new Map(ORDERS.map((id) => [id, { id, number: numberOf(id), email: emailOf(id), atMs: 0 }])),
  receipts: ORDERS.map((id) => row(id)),
  received: ORDERS.map((id) => mail(id)),
  killedAt: [],
  isAlone: true,
  ...given,
});
const troubleOf = (given: Partial<Evidence>) => judge(evidence(given)).trouble;

test("a run in which every receipt arrived once has no trouble", () => {
  expect(judge(evidence())).toEqual({ arrived: 3, lost: 0, repeats: 0, parked: 0, triesMax: 2, trouble: [] });
});

const rows = (...last: Row[]) => [row("a"), row("b"), ...last];
const FAULTS: [string, Partial<Evidence>, string[]][] = [
  [
    "a receipt that did not arrive",
    { received: [mail("a"), mail("b")] },
    ["the receipt of order 10003 did not arrive"],
  ],
  ["an order without a receipt's row", { receipts: rows() }, ["order 10003 has 0 rows of receipts"]],
  [
    "an order with two of them",
    { receipts: rows(row("c"), row("c")) },
    ["order 10003 has 2 rows of receipts"],
  ],
  [
    "a receipt that is parked",
    { receipts: rows(row("c", { state: "parked" })) },
    ["order 10003 is confirmed, its receipt is parked"],
  ],
  [
    "an acknowledged order that is cancelled",
    { receipts: rows(row("c", { status: "cancelled" })) },
    ["order 10003 is cancelled, its receipt is sent"],
  ],
  [
    "a row with another's address",
    { receipts: rows(row("c", { recipient: "d@mail.example" })) },
    ["the receipt of order 10003 is for d@mail.example, not c@mail.example"],
  ],
  [
    "a receipt that went to another",
    { received: [mail("a"), mail("b"), mail("c", "d@mail.example")] },
    ["the mail <receipt.0.c@shop.example> of order 10003 went to d@mail.example"],
  ],
  [
    "a receipt with another order's number",
    { received: [mail("a"), mail("b"), mail("c", emailOf("c"), "Your order 10001")] },
    ["the mail <receipt.0.c@shop.example> of order 10003 went to c@mail.example"],
  ],
  [
    "a mail about no acknowledged order",
    { received: [...ORDERS.map((id) => mail(id)), mail("d")], receipts: [...rows(row("c")), row("d")] },
    [
      "order d was not acknowledged: it is confirmed, its receipt sent",
      "the mail <receipt.0.d@shop.example> belongs to no acknowledged order",
    ],
  ],
];

test.each(FAULTS)("%s is seen", (_name, given, expected) => {
  expect(troubleOf(given)).toEqual(expected);
});

test("an order that its customer placed anew is cancelled, and its receipt is withdrawn", () => {
  expect(
    troubleOf({ receipts: rows(row("c"), row("d", { status: "cancelled", state: "withdrawn" })) }),
  ).toEqual([]);
});

describe("a mail that arrives again", () => {
  const again = [mail("a"), mail("b"), mail("b"), mail("c")];
  const UNEXPLAINED = ["mail 1 arrived again, without a kill"];

  test("needs a kill between its copies, right after the first where one process sends", () => {
    expect(judge(evidence({ received: again, killedAt: [2] }))).toMatchObject({ repeats: 1, trouble: [] });
    for (const killedAt of [[], [1], [3]])
      expect(troubleOf({ received: again, killedAt })).toEqual(UNEXPLAINED);
    const later = [mail("a"), mail("b"), mail("c"), mail("b")];
    expect(troubleOf({ received: later, killedAt: [3] })).toEqual(UNEXPLAINED);
    expect(troubleOf({ received: later, killedAt: [3], isAlone: false })).toEqual([]);
  });

  test("needs a kill for each copy", () => {
    const twice = [mail("a"), mail("b"), mail("b"), mail("b"), mail("c")];
    expect(judge(evidence({ received: twice, killedAt: [2, 3] }))).toMatchObject({ repeats: 2, trouble: [] });
    expect(troubleOf({ received: twice, killedAt: [2] })).toEqual(["mail 2 arrived again, without a kill"]);
  });
});
