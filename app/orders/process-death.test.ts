// Each point where the process can die while an order is placed, shipped, cancelled or refunded: what stands then in the
// database and at the gateway, what the client's repetition gets, and how another process ends it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Deaths, openDeaths, type Point } from "../testing/deaths.ts";
import type { DeathPoint } from "../testing/dying-shop.ts";

const ROW_MS_MAX = 120_000;

const RESERVE = /INSERT INTO order_lines/;
const GATEWAY = /(INSERT INTO|UPDATE) sandbox_payments/;
const REQUEST = /INSERT INTO payment_requests/;
const LEASE = /tries = tries \+ 1/;
const HOLD = /SET payment_status = \?4/;
const VOIDED = /SET payment_status = 'voided'/;
const SETTLE = /UPDATE payment_requests SET state/;
const before = (write: RegExp): DeathPoint => ({ when: "before", write });
const after = (write: RegExp): DeathPoint => ({ when: "after", write });

const POINTS: Point[] = [
  {
    act: "place",
    dies: [before(RESERVE)],
    what: "nothing is reserved",
    dead: "no order; 4 in stock",
    again: "201 confirmed",
    end: "confirmed authorized; authorise done; gateway authorized; 2 in stock",
  },
  {
    act: "place",
    dies: [after(RESERVE)],
    what: "reserved, and the gateway not asked",
    dead: "pending authorizing; authorise due; gateway nothing; 2 in stock",
    again: "402",
    end: "cancelled voided; authorise refused, void done; gateway voided; 4 in stock",
  },
  {
    act: "place",
    dies: [after(GATEWAY)],
    what: "authorised, and not stored",
    dead: "pending authorizing; authorise due; gateway authorized; 2 in stock",
    again: "201 confirmed",
    end: "confirmed authorized; authorise done; gateway authorized; 2 in stock",
  },
  {
    act: "place",
    dies: [after(SETTLE)],
    what: "confirmed, and not answered",
    dead: "confirmed authorized; authorise done; gateway authorized; 2 in stock",
    again: "201 confirmed",
    end: "confirmed authorized; authorise done; gateway authorized; 2 in stock",
  },
  {
    act: "place",
    dies: [after(RESERVE), after(LEASE)],
    what: "reserved; the settlement has the lease",
    dead: "pending authorizing; authorise due; gateway nothing; 2 in stock",
    again: "402",
    end: "cancelled voided; authorise refused, void done; gateway voided; 4 in stock",
  },
  {
    act: "place",
    dies: [after(RESERVE), after(REQUEST)],
    what: "reserved; the settlement has cancelled, and not voided",
    dead: "cancelled authorizing; authorise refused, void due; gateway nothing; 4 in stock",
    again: "402",
    end: "cancelled voided; authorise refused, void done; gateway voided; 4 in stock",
  },
  {
    act: "place",
    dies: [after(RESERVE), after(GATEWAY)],
    what: "reserved; the settlement has voided, and not stored",
    dead: "cancelled authorizing; authorise refused, void due; gateway voided; 4 in stock",
    again: "402",
    end: "cancelled voided; authorise refused, void done; gateway voided; 4 in stock",
  },
  {
    act: "place",
    dies: [after(GATEWAY), before(SETTLE)],
    what: "authorised; the settlement knows, and has not stored",
    dead: "pending authorizing; authorise due; gateway authorized; 2 in stock",
    again: "201 confirmed",
    end: "confirmed authorized; authorise done; gateway authorized; 2 in stock",
  },
  {
    act: "place, declined",
    dies: [after(RESERVE)],
    what: "reserved, and the gateway not asked",
    dead: "pending authorizing; authorise due; gateway nothing; 2 in stock",
    again: "402",
    end: "cancelled voided; authorise refused, void done; gateway voided; 4 in stock",
  },
  {
    act: "place, declined",
    dies: [after(GATEWAY)],
    what: "declined, and not stored",
    dead: "pending authorizing; authorise due; gateway declined; 2 in stock",
    again: "402",
    end: "cancelled declined; authorise refused; gateway declined; 4 in stock",
  },
  {
    act: "place, declined",
    dies: [after(SETTLE)],
    what: "cancelled, and not answered",
    dead: "cancelled declined; authorise refused; gateway declined; 4 in stock",
    again: "402",
    end: "cancelled declined; authorise refused; gateway declined; 4 in stock",
  },
  {
    act: "place, page",
    dies: [after(GATEWAY)],
    what: "waits for the customer, and not stored",
    dead: "pending authorizing; authorise due; gateway requires_action; 2 in stock",
    again: "201 pending",
    end: "pending requires_action; authorise due; gateway requires_action; 2 in stock",
  },
  {
    act: "place, page",
    dies: [after(HOLD)],
    what: "waits for the customer, and not answered",
    dead: "pending requires_action; authorise due; gateway requires_action; 2 in stock",
    again: "201 pending",
    end: "pending requires_action; authorise due; gateway requires_action; 2 in stock",
  },
  {
    act: "ship",
    dies: [before(REQUEST)],
    what: "nothing is requested",
    dead: "confirmed authorized; authorise done; gateway authorized; 4 in stock",
    again: "200 shipped",
    end: "shipped captured; authorise done, capture done; gateway captured; 4 in stock",
  },
  {
    act: "ship",
    dies: [after(REQUEST)],
    what: "requested, and the gateway not asked",
    dead: "confirmed authorized; authorise done, capture due; gateway authorized; 4 in stock",
    again: "200 shipped",
    end: "shipped captured; authorise done, capture done; gateway captured; 4 in stock",
  },
  {
    act: "ship",
    dies: [after(LEASE)],
    what: "requested and leased",
    dead: "confirmed authorized; authorise done, capture due; gateway authorized; 4 in stock",
    again: "200 shipped",
    end: "shipped captured; authorise done, capture done; gateway captured; 4 in stock",
  },
  {
    act: "ship",
    dies: [after(GATEWAY)],
    what: "captured, and not stored",
    dead: "confirmed authorized; authorise done, capture due; gateway captured; 4 in stock",
    again: "200 shipped",
    end: "shipped captured; authorise done, capture done; gateway captured; 4 in stock",
  },
  {
    act: "ship",
    dies: [after(SETTLE)],
    what: "shipped, and not answered",
    dead: "shipped captured; authorise done, capture done; gateway captured; 4 in stock",
    again: "200 shipped",
    end: "shipped captured; authorise done, capture done; gateway captured; 4 in stock",
  },
  {
    act: "ship",
    dies: [after(REQUEST), after(GATEWAY)],
    what: "requested; the settlement has captured, and not stored",
    dead: "confirmed authorized; authorise done, capture due; gateway captured; 4 in stock",
    again: "200 shipped",
    end: "shipped captured; authorise done, capture done; gateway captured; 4 in stock",
  },
  {
    act: "cancel",
    dies: [before(REQUEST)],
    what: "nothing is cancelled",
    dead: "confirmed authorized; authorise done; gateway authorized; 4 in stock",
    again: "200 cancelled",
    end: "cancelled voided; authorise done, void done; gateway voided; 6 in stock",
  },
  {
    act: "cancel",
    dies: [after(REQUEST)],
    what: "cancelled, and the gateway not asked",
    dead: "cancelled authorized; authorise done, void due; gateway authorized; 6 in stock",
    again: "200 cancelled",
    end: "cancelled voided; authorise done, void done; gateway voided; 6 in stock",
  },
  {
    act: "cancel",
    dies: [after(GATEWAY)],
    what: "voided, and not stored",
    dead: "cancelled authorized; authorise done, void due; gateway voided; 6 in stock",
    again: "200 cancelled",
    end: "cancelled voided; authorise done, void done; gateway voided; 6 in stock",
  },
  {
    act: "cancel",
    dies: [after(VOIDED)],
    what: "voided, and not answered",
    dead: "cancelled voided; authorise done, void done; gateway voided; 6 in stock",
    again: "200 cancelled",
    end: "cancelled voided; authorise done, void done; gateway voided; 6 in stock",
  },
  {
    act: "cancel",
    dies: [after(REQUEST), after(GATEWAY)],
    what: "cancelled; the settlement has voided, and not stored",
    dead: "cancelled authorized; authorise done, void due; gateway voided; 6 in stock",
    again: "200 cancelled",
    end: "cancelled voided; authorise done, void done; gateway voided; 6 in stock",
  },
  {
    act: "cancel unpaid",
    dies: [after(REQUEST)],
    what: "cancelled, and the gateway not asked",
    dead: "cancelled requires_action; authorise refused, void due; gateway requires_action; 6 in stock",
    again: "200 cancelled",
    end: "cancelled voided; authorise refused, void done; gateway voided; 6 in stock",
  },
  {
    act: "cancel unpaid",
    dies: [after(GATEWAY)],
    what: "voided, and not stored",
    dead: "cancelled requires_action; authorise refused, void due; gateway voided; 6 in stock",
    again: "200 cancelled",
    end: "cancelled voided; authorise refused, void done; gateway voided; 6 in stock",
  },
  {
    act: "refund",
    dies: [before(REQUEST)],
    what: "nothing is counted",
    dead: "shipped captured; authorise done, capture done; gateway captured; 4 in stock",
    again: "201 partially_refunded",
    end: "shipped partially_refunded; authorise done, capture done, refund done; gateway captured less 5000; 5 in stock",
  },
  {
    act: "refund",
    dies: [after(REQUEST)],
    what: "counted, and the gateway not asked",
    dead: "shipped captured; authorise done, capture done, refund due; gateway captured; 5 in stock",
    again: "201 partially_refunded",
    end: "shipped partially_refunded; authorise done, capture done, refund done; gateway captured less 5000; 5 in stock",
  },
  {
    act: "refund",
    dies: [after(GATEWAY)],
    what: "given back, and not stored",
    dead: "shipped captured; authorise done, capture done, refund due; gateway captured less 5000; 5 in stock",
    again: "201 partially_refunded",
    end: "shipped partially_refunded; authorise done, capture done, refund done; gateway captured less 5000; 5 in stock",
  },
  {
    act: "refund",
    dies: [after(SETTLE)],
    what: "refunded, and not answered",
    dead: "shipped partially_refunded; authorise done, capture done, refund done; gateway captured less 5000; 5 in stock",
    again: "201 partially_refunded",
    end: "shipped partially_refunded; authorise done, capture done, refund done; gateway captured less 5000; 5 in stock",
  },
  {
    act: "refund",
    dies: [after(REQUEST), after(GATEWAY)],
    what: "counted; the settlement has given back, and not stored",
    dead: "shipped captured; authorise done, capture done, refund due; gateway captured less 5000; 5 in stock",
    again: "201 partially_refunded",
    end: "shipped partially_refunded; authorise done, capture done, refund done; gateway captured less 5000; 5 in stock",
  },
];

let deaths: Deaths;
beforeAll(async () => {
  deaths = await openDeaths();
});
afterAll(() => deaths.close());

test.concurrent.each(POINTS)(
  "$act: $what",
  async (point) => {
    const { dead, again, end } = point;
    expect(await deaths.run(point)).toEqual({ dead, again, end, books: [] });
  },
  ROW_MS_MAX,
);
