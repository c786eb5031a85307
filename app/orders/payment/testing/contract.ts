// The contract of payment gateways as tests: the sandbox passes it, and so must an adapter of a real gateway.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Gateway, PaymentState, Settled } from "../gateway.ts";

/** A gateway to be tested, and how its test makes each outcome happen. */
export type GatewayUnderTest = {
  gateway: Gateway;
  /** The tokens that lead to an authorised payment, to a declined one, to the gateway's page, and to no answer. */
  tokens: { authorised: string | null; declined: string; onPage: string; silent: string };
  /** The customer pays on the gateway's page. */
  pay(orderId: string): Promise<void>;
  /** All that the adapter has logged, and stored in the shop's database. */
  traces(): string;
  close(): Promise<void>;
};

const AMOUNT_CENTS = 12_345;
const REPEATS = 10;
/** A number that cards of tests have. */
const CARD = "4242424242424242";
/** For a request to the gateway's own test system; the silent one ends earlier. */
const PATIENCE_MS = 10_000;
const DEADLINE_MS = 50;

/** Tests that a gateway keeps the contract of `Gateway`. */
export function testGateway(name: string, open: () => Promise<GatewayUnderTest>): void {
  describe(`the contract of payment gateways: ${name}`, () => {
    let tested: GatewayUnderTest;
    let gateway: Gateway;
    beforeAll(async () => {
      tested = await open();
      ({ gateway } = tested);
    });
    afterAll(() => tested.close());

    const soon = () => AbortSignal.timeout(PATIENCE_MS);
    const newId = () => Bun.randomUUIDv7();
    const authorise = (orderId: string, token = tested.tokens.authorised, signal = soon()) =>
      gateway.authorise(
        { orderId, amountCents: AMOUNT_CENTS, currency: "USD", token, returnUrl: "https://shop.example/o" },
        signal,
      );
    const lookUp = async (orderId: string): Promise<PaymentState> => {
      const state = await gateway.lookUp(orderId, soon());
      if (state === null) throw new Error("the gateway knows no such payment");
      return state;
    };
    const capture = (orderId: string, cents = AMOUNT_CENTS) => gateway.capture(orderId, cents, soon());
    const refund = (orderId: string, cents: number, key: string) =>
      gateway.refund(orderId, cents, key, soon());
    const authorised = async (): Promise<string> => {
      const orderId = newId();
      expect(await authorise(orderId)).toMatchObject({ status: "authorized", redirectUrl: null });
      return orderId;
    };
    const captured = async (): Promise<string> => {
      const orderId = await authorised();
      expect(await capture(orderId)).toEqual({ outcome: "done" });
      return orderId;
    };
    const many = <T>(work: () => Promise<T>): Promise<T[]> =>
      Promise.all(Array.from({ length: REPEATS }, work));
    const DONE: Settled = { outcome: "done" };
    const REFUSED: Settled = { outcome: "refused", reason: expect.stringMatching(/./) };

    test("an order that the gateway does not know is null", async () => {
      expect(await gateway.lookUp(newId(), soon())).toBeNull();
    });

    test("an authorisation is what a look-up finds, and takes nothing", async () => {
      const orderId = newId();
      const state = await authorise(orderId);
      expect(state).toMatchObject({ status: "authorized", capturedCents: 0, refundedCents: 0 });
      expect(state.reference).toMatch(/./);
      expect(await lookUp(orderId)).toEqual(state);
    });

    test("repetitions of an authorisation, one after the other and at once, find one payment", async () => {
      const orderId = newId();
      const states = await many(() => authorise(orderId));
      states.push(await authorise(orderId), await lookUp(orderId));
      expect(new Set(states.map(({ reference }) => reference)).size).toBe(1);
      expect(new Set(states.map(({ status }) => status))).toEqual(new Set(["authorized"]));
      expect(await capture(orderId)).toEqual(DONE);
      expect((await lookUp(orderId)).capturedCents).toBe(AMOUNT_CENTS);
    });

    test("a declined payment stays declined", async () => {
      const orderId = newId();
      expect(await authorise(orderId, tested.tokens.declined)).toMatchObject({ status: "declined" });
      expect(await capture(orderId)).toEqual(REFUSED);
      expect(await gateway.void(orderId, soon())).toEqual(DONE);
      expect(await lookUp(orderId)).toMatchObject({ status: "declined", capturedCents: 0 });
    });

    test("a payment on the gateway's page waits for its customer", async () => {
      const orderId = newId();
      const state = await authorise(orderId, tested.tokens.onPage);
      expect(state).toMatchObject({ status: "requires_action", redirectUrl: expect.stringMatching(/./) });
      expect(await capture(orderId)).toEqual(REFUSED);
      await tested.pay(orderId);
      expect(await lookUp(orderId)).toMatchObject({ status: "authorized", redirectUrl: null });
      expect(await capture(orderId)).toEqual(DONE);
    });

    test("a payment on the gateway's page that was voided cannot be paid any more", async () => {
      const orderId = newId();
      await authorise(orderId, tested.tokens.onPage);
      expect(await gateway.void(orderId, soon())).toEqual(DONE);
      await tested.pay(orderId);
      expect(await lookUp(orderId)).toMatchObject({ status: "voided" });
    });

    test("a capture takes the whole amount once, however often it is asked for", async () => {
      const orderId = await authorised();
      expect(await capture(orderId, AMOUNT_CENTS + 1)).toEqual(REFUSED);
      expect(await many(() => capture(orderId))).toEqual(Array.from({ length: REPEATS }, () => DONE));
      expect(await capture(orderId)).toEqual(DONE);
      expect(await lookUp(orderId)).toMatchObject({ status: "captured", capturedCents: AMOUNT_CENTS });
    });

    test("nothing is captured of an order without a payment", async () => {
      expect(await capture(newId())).toEqual(REFUSED);
    });

    test("a void releases the amount once, however often it is asked for", async () => {
      const orderId = await authorised();
      const voids = await many(() => gateway.void(orderId, soon()));
      expect(voids).toEqual(Array.from({ length: REPEATS }, () => DONE));
      expect(await capture(orderId)).toEqual(REFUSED);
      expect(await lookUp(orderId)).toMatchObject({ status: "voided", capturedCents: 0 });
    });

    test("a void and a capture at once: one of them is refused", async () => {
      for (let round = 0; round < REPEATS; round += 1) {
        const orderId = await authorised();
        const answers = await Promise.all([capture(orderId), gateway.void(orderId, soon())]);
        expect(answers.map(({ outcome }) => outcome).toSorted()).toEqual(["done", "refused"]);
      }
    });

    test("what was captured cannot be voided", async () => {
      const orderId = await captured();
      expect(await gateway.void(orderId, soon())).toEqual(REFUSED);
      expect(await lookUp(orderId)).toMatchObject({ status: "captured", capturedCents: AMOUNT_CENTS });
    });

    test("a void of an unknown order refuses the authorisation that comes after it", async () => {
      const orderId = newId();
      expect(await gateway.void(orderId, soon())).toEqual(DONE);
      expect(["voided", "declined"]).toContain((await authorise(orderId)).status);
      expect(await capture(orderId)).toEqual(REFUSED);
    });

    test("a refund is done once for its key, one after the other and at once", async () => {
      const orderId = await captured();
      const key = `${orderId}:refund:1`;
      const refunds = await many(() => refund(orderId, 345, key));
      expect(refunds).toEqual(Array.from({ length: REPEATS }, () => DONE));
      expect(await refund(orderId, 345, key)).toEqual(DONE);
      expect((await lookUp(orderId)).refundedCents).toBe(345);
    });

    test("refunds never exceed what was captured", async () => {
      const orderId = await captured();
      expect(await refund(orderId, AMOUNT_CENTS + 1, `${orderId}:refund:1`)).toEqual(REFUSED);
      let made = 1;
      const refunds = await many(() => refund(orderId, 5_000, `${orderId}:refund:${++made}`));
      expect(refunds.filter(({ outcome }) => outcome === "done")).toHaveLength(2);
      expect(await refund(orderId, 2_345, `${orderId}:refund:last`)).toEqual(DONE);
      expect(await refund(orderId, 1, `${orderId}:refund:more`)).toEqual(REFUSED);
      expect(await lookUp(orderId)).toMatchObject({
        capturedCents: AMOUNT_CENTS,
        refundedCents: AMOUNT_CENTS,
      });
    });

    test("nothing is refunded of what was not captured", async () => {
      const orderId = await authorised();
      expect(await refund(orderId, 1, `${orderId}:refund:1`)).toEqual(REFUSED);
      expect(await refund(newId(), 1, "unknown:refund:1")).toEqual(REFUSED);
    });

    test("a request ends when its signal aborts, and a void ends what became of it", async () => {
      const orderId = newId();
      const startedAt = performance.now();
      const asked = authorise(orderId, tested.tokens.silent, AbortSignal.timeout(DEADLINE_MS));
      expect(await asked.catch(() => "no answer")).toBe("no answer");
      expect(performance.now() - startedAt).toBeLessThan(PATIENCE_MS / 2);
      expect(["processing", undefined]).toContain((await gateway.lookUp(orderId, soon()))?.status);
      expect(await gateway.void(orderId, soon())).toEqual(DONE);
      expect(await lookUp(orderId)).toMatchObject({ status: "voided", capturedCents: 0 });
    });

    test("a request whose signal was aborted before is not made", async () => {
      const orderId = newId();
      const gone = AbortSignal.abort();
      expect(await authorise(orderId, tested.tokens.authorised, gone).catch(() => "not made")).toBe(
        "not made",
      );
      expect(await gateway.lookUp(orderId, soon())).toBeNull();
      const orders = [
        gateway.capture(orderId, AMOUNT_CENTS, gone),
        gateway.void(orderId, gone),
        gateway.refund(orderId, 1, "gone:refund:1", gone),
        gateway.lookUp(orderId, gone),
      ];
      const ends = await Promise.allSettled(orders);
      expect(ends.map(({ status }) => status)).toEqual(orders.map(() => "rejected"));
    });

    test("a card's number that came instead of a token is neither logged nor stored", async () => {
      const orderId = newId();
      const answer = await authorise(orderId, CARD).catch((thrown: unknown) => String(thrown));
      expect(JSON.stringify(answer)).not.toContain(CARD);
      expect(["declined", undefined]).toContain((await gateway.lookUp(orderId, soon()))?.status);
      expect(tested.traces()).not.toContain(CARD);
      expect(tested.traces()).not.toBe("");
    });
  });
}
