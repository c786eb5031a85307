// The page of an order as its guest sees it: by its text, and in a browser, on a phone and on paper.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { openOrderTokens } from "../orders/tokens.ts";
import { makeAdminOf } from "../testing/accounts.ts";
import { askFor, guestOrder, openTestGateway, order } from "../testing/orders.ts";
import { type Person, signIn, signUp } from "../testing/people.ts";
import { type ObservedShop, openObservedShop, shoe } from "../testing/shop.ts";

const BROWSER_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const found = BROWSER_PATHS.find((path) => existsSync(path));
const FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking";
const TIMEOUT_MS = 30_000;
setDefaultTimeout(2 * TIMEOUT_MS);

const NOW = Date.parse("2026-03-29T00:59:00Z");
const HOSTILE = `<script>alert(1)</script>"'&`;
const SECRETS = ["the secret that signs tokens of orders now", "the secret that signed them a while ago"];
const SETTINGS = {
  OPEN_ORDERS_MAX: "0",
  OPEN_ORDERS_ADDRESS_MAX: "0",
  SHOP_NAME: "Sole & Co",
  LOCALE: "en-GB",
  REPORT_TIMEZONE: "Europe/Berlin",
  CURRENCY: "EUR",
  TAX_RATES: '{"DE":19}',
};
const ADDRESS = {
  name: HOSTILE,
  street: "Way 1",
  street2: "Back door",
  zip: "50667",
  city: "Köln",
  country: "DE",
};
const tokens = openOrderTokens(SECRETS);

let shop: ObservedShop;
let admin: Person;
let nowMs = NOW;
beforeAll(async () => {
  const drafts = [
    shoe("a", {
      title: `Runner ${"long".repeat(20)}`,
      priceCents: 123_450,
      sizes: [{ size: "42 1/3", stock: 500 }],
    }),
    shoe("b", { title: HOSTILE, priceCents: 3_333, sizes: [{ size: "", stock: 500 }] }),
  ];
  shop = await openObservedShop(drafts, false, {
    now: () => nowMs,
    secrets: SECRETS,
    settings: SETTINGS,
    gateway: openTestGateway().gateway,
  });
  admin = await signIn(shop, await makeAdminOf(shop.db, await signUp(shop)));
});
afterAll(() => shop.close());

type Order = { id: string; number: string; accessToken: string };

/** A guest's order of three pairs. */
async function place(given: Record<string, unknown> = {}): Promise<Order> {
  const items = [
    { productId: "a", size: "42 1/3", quantity: 2 },
    { productId: "b", quantity: 1 },
  ];
  return (await order(shop, guestOrder("a", { items, shippingAddress: ADDRESS, ...given }))).body.data;
}
const pathOf = ({ id, accessToken }: Order) => `/orders/${id}?token=${accessToken}`;
const step = (id: string, status: string, given: Record<string, unknown> = {}) =>
  askFor(shop, "PUT", `/api/orders/${id}/status`, { status, ...given }, { token: admin.token });
/** The text that a reader sees, on one line. */
const textOf = (body: string) =>
  body
    .replace(/<style>[\s\S]*?<\/style>|<title>[\s\S]*?<\/title>/g, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ");
const read = async (path: string) => {
  const answer = await shop.get(path);
  return { status: answer.status, body: await answer.text() };
};

describe("the order's token shows", () => {
  test("its lines, totals, address, payment and history", async () => {
    nowMs = NOW;
    const placed = await place();
    // Over the hour that Berlin skips.
    nowMs += 60_000;
    await step(placed.id, "shipped", { trackingUrl: "https://parcel.example/t?a=1&b=2" });
    const { status, body } = await read(pathOf(placed));
    const text = textOf(body);
    expect(status).toBe(200);
    for (const shown of [
      `Order ${placed.number} Shipped · ordered on 29 March 2026 at 01:59`,
      "Size 42 1/3 · 2 × €1,234.50 €2,469.00",
      "1 × €33.33 €33.33",
      "Delivery €0.00 Total Tax contained: €399.53 €2,502.33",
      "Way 1 Back door 50667 Köln Germany Method: standard",
      "Payment Paid.",
      "Placed 29 March 2026 at 01:59 Confirmed 29 March 2026 at 01:59 Shipped 29 March 2026 at 03:00",
    ])
      expect(text).toContain(shown);
    expect(body).toContain('href="https://parcel.example/t?a=1&amp;b=2" rel="noreferrer"');
    expect(body).toContain(`<title>Order ${placed.number} · Sole &amp; Co</title>`);
  });

  test("a payment that waits for its customer, with the way to it", async () => {
    const placed = await place({ paymentToken: "redirect" });
    const { body } = await read(pathOf(placed));
    expect(textOf(body)).toContain("Payment The payment waits for you.");
    expect(body).toContain('href="https://pay.example/go-on"');
    await step(placed.id, "cancelled");
    const after = (await read(pathOf(placed))).body;
    expect(textOf(after)).toContain("Cancelled");
    expect(after).not.toContain("pay.example");
  });

  test.each([
    ["declined", 402, "The payment was declined: nothing is charged."],
    ["processing", 201, "The payment is being checked."],
  ])("a payment that is %s", async (paymentToken, status, said) => {
    const answer = await order(shop, guestOrder("b", { paymentToken }));
    expect(answer.status).toBe(status);
    const id = answer.body.orderId ?? answer.body.data.id;
    expect(textOf((await read(`/orders/${id}?token=${tokens.of(id)}`)).body)).toContain(said);
  });

  test("an order without an address, and hostile text as text", async () => {
    const { body } = await read(pathOf(await place({ shippingAddress: undefined })));
    expect([body.includes("<address>"), textOf(body).includes("Delivery Method: standard")]).toEqual([
      false,
      true,
    ]);
    const withAddress = (await read(pathOf(await place()))).body;
    expect(withAddress.match(/&lt;script&gt;alert\(1\)&lt;\/script&gt;&quot;&#39;&amp;/g)).toHaveLength(2);
    for (const page of [body, withAddress]) expect(page).not.toMatch(/<script|<form|\son\w+=|\sstyle=/i);
  });

  test("also to a link that the secret before signed", async () => {
    const { id, number } = await place();
    const old = openOrderTokens(SECRETS.slice(1));
    expect((await read(`/orders/${id}?token=${old.of(id)}`)).body).toContain(`Order ${number}`);
  });
});

describe.skipIf(found === undefined)("in a browser without scripts", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: found as string, args: FLAGS.split(" ") });
  });
  afterAll(() => browser.close());

  test.each([
    [360, "light"],
    [360, "dark"],
    [1280, "light"],
  ] as const)(
    "a page does not scroll sideways at %p pixels (%s), and its style applies",
    async (width, colorScheme) => {
      const placed = await place();
      await step(placed.id, "shipped", { trackingUrl: "https://parcel.example/t" });
      const context = await browser.newContext({ javaScriptEnabled: false, colorScheme });
      const page = await context.newPage();
      page.setDefaultTimeout(TIMEOUT_MS);
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      await page.setViewportSize({ width, height: 800 });
      const shots = process.env.PAGES_SHOTS;
      const paths = {
        order: pathOf(placed),
        "no-token": `/orders/${placed.id}`,
        "no-order": `/orders/${placed.id}?token=x`,
      };
      for (const [name, path] of Object.entries(paths)) {
        await page.goto(`${shop.url}${path}`);
        if (shots)
          await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
        const main = await page.locator("main").boundingBox();
        expect([name, main?.width]).toEqual([name, Math.min(width, 760)]);
        const right = await page
          .locator("main *")
          .evaluateAll((all) => Math.max(...all.map((each) => each.getBoundingClientRect().right)));
        expect(right).toBeLessThanOrEqual(width);
      }
      await page.goto(`${shop.url}${paths.order}`);
      expect(await page.getByRole("link", { name: "Track the parcel" }).isVisible()).toBe(true);
      await page.emulateMedia({ media: "print", colorScheme });
      if (shots)
        await page.screenshot({ path: `${shots}/print-${width}-${colorScheme}.png`, fullPage: true });
      expect(await page.locator(".doors").isVisible()).toBe(false);
      expect(await page.evaluate("getComputedStyle(document.body).color")).toBe("rgb(0, 0, 0)");
      // The document itself is a 404 once.
      expect(complaints.filter((text) => !text.includes("404"))).toEqual([]);
      await context.close();
    },
  );
});
