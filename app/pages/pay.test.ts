// The sandbox gateway's page: its form is taken from the page itself only, works without a script, and ends a payment once.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { ask } from "../testing/people.ts";
import { openTestShop, readUntil, shoe, type TestShop } from "../testing/shop.ts";

const BROWSER_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const found = BROWSER_PATHS.find((path) => existsSync(path));
const FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking";
const TIMEOUT_MS = 30_000;
setDefaultTimeout(2 * TIMEOUT_MS);
const PATIENCE_MS = 5_000;

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop([shoe("a1", { priceCents: 123_450, sizes: [{ size: "", stock: 1_000 }] })], {
    OPEN_ORDERS_MAX: "0",
    OPEN_ORDERS_ADDRESS_MAX: "0",
    ORDER_URL: "https://store.example/orders",
  });
});
afterAll(() => shop.close());

type Placed = { id: string; number: string; payment: { redirectUrl: string } };

/** An order that waits for its payment on the page. */
async function place(): Promise<Placed> {
  const body = {
    email: "g@shop.example",
    items: [{ productId: "a1", quantity: 1 }],
    paymentToken: "redirect",
  };
  const answer = await ask(shop, "POST", "/api/orders", { body });
  return ((await answer.json()) as { data: Placed }).data;
}

const send = (path: string, choice: string, headers: Record<string, string> = { origin: shop.url }) =>
  shop.get(path, {
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: `choice=${choice}`,
  });
const standing = (id: string) =>
  shop.db.read.get<[string, string]>("SELECT status, payment_status FROM orders WHERE id = ?", id);
const WAITS = ["pending", "requires_action"];

describe("the page", () => {
  test("shows order and amount with a form, and a policy of its own", async () => {
    const { payment, number } = await place();
    const answer = await shop.get(payment.redirectUrl);
    const body = await answer.text();
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    expect(answer.headers.get("referrer-policy")).toBe("strict-origin");
    const policy = answer.headers.get("content-security-policy")?.split("; ");
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "form-action 'self'", "base-uri 'none'"]),
    );
    expect(body).toContain(`<dd>${number}</dd>`);
    expect(body).toContain("<dd>$1,234.50</dd>");
    expect(body.match(/name="choice" value="\w+"/g)).toHaveLength(4);
    expect(body).not.toMatch(/<script|\son\w+=|\sstyle=/i);
  });

  test.each([
    ["pay", ["confirmed", "authorized"], "the order is confirmed"],
    ["twice", ["confirmed", "authorized"], "the order is confirmed"],
    ["decline", ["cancelled", "declined"], "the order is cancelled: nothing is charged"],
    ["lose", WAITS, "the shop has no answer yet"],
  ])("%s leads to a result that can be loaded again", async (choice, stands, said) => {
    const { id, payment } = await place();
    const answer = await send(payment.redirectUrl, choice);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, payment.redirectUrl]);
    expect(standing(id)).toEqual(stands as [string, string]);
    for (let loads = 0; loads < 2; loads += 1) {
      const body = await (await shop.get(payment.redirectUrl)).text();
      expect(body).toContain(said);
      expect(body).toContain(`href="https://store.example/orders/${id}"`);
      expect(body).not.toContain("<form");
    }
    // A second press, in another tab, changes nothing.
    expect((await send(payment.redirectUrl, choice === "decline" ? "pay" : "decline")).status).toBe(303);
    expect(standing(id)?.[0]).toBe(choice === "lose" ? "confirmed" : (stands[0] as string));
  });

  test("an answer that was lost is found by the settlement", async () => {
    const { id, payment } = await place();
    await send(payment.redirectUrl, "lose");
    // As if the pause before the next inquiry was over.
    await shop.db.write([{ sql: "UPDATE payment_requests SET due_at = 0 WHERE state = 'due'" }]);
    const ended = await readUntil(
      () => standing(id),
      (now) => now?.[0] === "confirmed",
      PATIENCE_MS,
    );
    expect(ended).toEqual(["confirmed", "authorized"]);
  });
});

describe("what is refused changes nothing", () => {
  const own = () => ({ origin: shop.url });
  test.each<[string, string, () => Record<string, string>, number, string | null]>([
    ["a form of a stranger's page", "pay", () => ({ origin: "https://evil.example" }), 403, null],
    ["a form of a page without an origin", "pay", () => ({ origin: "null" }), 403, null],
    ["a request that names no page", "pay", () => ({}), 403, null],
    ["a form of another site", "pay", () => ({ "sec-fetch-site": "cross-site" }), 403, null],
    ["an unknown choice", "steal", own, 400, "/choice"],
    ["no choice", "", own, 400, "/choice"],
    ["JSON", "pay", () => ({ ...own(), "content-type": "application/json" }), 415, null],
  ])("%s", async (_what, choice, headers, status, pointer) => {
    const { id, payment } = await place();
    const answer = await send(payment.redirectUrl, choice, headers());
    const { errors = [] } = (await answer.json()) as { errors?: { pointer: string }[] };
    expect([answer.status, errors[0]?.pointer ?? null]).toEqual([status, pointer]);
    expect(standing(id)).toEqual(WAITS as [string, string]);
  });

  test("a browser that names its site instead of its origin is the page's own", async () => {
    const { payment } = await place();
    expect((await send(payment.redirectUrl, "pay", { "sec-fetch-site": "same-origin" })).status).toBe(303);
  });

  test.each(["/pay/sandbox/no-order", "/pay/sandbox/01a22108-c8be-769a-98df-57940655e967"])(
    "%s is no payment",
    async (path) => {
      expect([(await shop.get(path)).status, (await send(path, "pay")).status]).toEqual([404, 404]);
    },
  );

  test("without the sandbox there is no page", async () => {
    const plain = await openTestShop([], { PAYMENT_GATEWAY: "none" });
    const path = "/pay/sandbox/01a22108-c8be-769a-98df-57940655e967";
    const headers = { origin: plain.url, "content-type": "application/x-www-form-urlencoded" };
    const answers = [
      await plain.get(path),
      await plain.get(path, { method: "POST", headers, body: "choice=pay" }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    const event = await plain.get("/api/payments/webhooks/sandbox", { method: "POST", body: "{}" });
    expect(event.status).toBe(404);
    await plain.close();
  });
});

describe.skipIf(found === undefined)("in a browser without scripts", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: found as string, args: FLAGS.split(" ") });
  });
  afterAll(() => browser.close());

  test.each([
    ["Pay", "The payment is authorised, and the order is confirmed.", "confirmed"],
    ["Decline", "the order is cancelled: nothing is charged", "cancelled"],
  ])("a customer chooses %s", async (button, said, status) => {
    const { id, payment } = await place();
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    page.setDefaultTimeout(TIMEOUT_MS);
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto(`${shop.url}${payment.redirectUrl}`);
    const shots = process.env.PAGES_SHOTS;
    if (shots) await page.screenshot({ path: `${shots}/pay-${button}.png`, fullPage: true });
    await page.getByRole("button", { name: button, exact: true }).click();
    await page.getByRole("status").waitFor();
    if (shots) await page.screenshot({ path: `${shots}/paid-${button}.png`, fullPage: true });
    expect(await page.getByRole("status").textContent()).toContain(said);
    expect(page.url()).toBe(`${shop.url}${payment.redirectUrl}`);
    expect([standing(id)?.[0], complaints]).toEqual([status, []]);
    await page.reload();
    expect(await page.getByRole("button").count()).toBe(0);
    await context.close();
  });
});
