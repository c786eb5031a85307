// The pages in a real browser that can reach only the shop: the documentation works, and hostile text never runs.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { ask } from "../testing/people.ts";
import { openTestShop, shoe, type TestShop } from "../testing/shop.ts";

const BROWSER_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const found = BROWSER_PATHS.find((path) => existsSync(path));
const FLAGS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
/** For one wait of a page, and for a whole test: it takes 2 s, and has taken 12 s beside other programs. */
const TIMEOUT_MS = 30_000;
setDefaultTimeout(2 * TIMEOUT_MS);
const ADMIN = { email: "admin@shop.example", password: "correct horse battery" };
const HOSTILE = `<img src=x onerror="window.ran=1"><script>window.ran=1</script></title></style>`;

if (found === undefined && process.env.CI === "true")
  test("a browser is installed", () => {
    expect(BROWSER_PATHS.filter((path) => existsSync(path))).not.toBeEmpty();
  });

describe.skipIf(found === undefined)("in a browser", () => {
  let shop: TestShop;
  let browser: Browser;

  beforeAll(async () => {
    shop = await openTestShop(
      [shoe("a1", { title: "Alpha" }), shoe("evil", { title: HOSTILE, brand: HOSTILE })],
      { ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password },
    );
    browser = await chromium.launch({ executablePath: found as string, args: FLAGS.split(" ") });
  });
  afterAll(async () => {
    await browser?.close();
    await shop?.close();
  });

  /** Opens an address; `elsewhere` collects requests to other sites, `complaints` warnings and errors. */
  async function open(path: string) {
    const page: Page = await browser.newPage();
    page.setDefaultTimeout(TIMEOUT_MS);
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    await page.route("**", (route) => {
      const { origin, protocol } = new URL(route.request().url());
      if (origin === shop.url || protocol === "data:") return route.continue();
      elsewhere.push(route.request().url());
      return route.abort();
    });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("response", (answer) => {
      if (answer.status() >= 400) complaints.push(`${answer.status()} ${answer.url()}`);
    });
    await page.goto(`${shop.url}${path}`, { waitUntil: "load" });
    return { page, elsewhere, complaints };
  }

  test("the documentation lists every operation, and executes one", async () => {
    const { page, elsewhere, complaints } = await open("/docs");
    await page.locator("#operations-Catalogue-getShoe").waitFor();
    const shown = await page.locator(".opblock").count();
    const { paths } = (await (await shop.get("/docs/json")).json()) as { paths: Record<string, object> };
    expect(shown).toBe(Object.values(paths).flatMap((methods) => Object.keys(methods)).length);

    const operation = page.locator("#operations-Catalogue-getShoe");
    await operation.locator(".opblock-summary-control").click();
    await operation.locator('input[placeholder="id"]').fill("a1");
    await operation.locator("button.execute").click();
    const answer = operation.locator(".live-responses-table");
    await answer.waitFor();
    expect(await answer.locator("tbody td.response-col_status").first().textContent()).toStartWith("200");
    expect(await answer.textContent()).toContain('"title": "Alpha"');
    expect(await operation.locator(".request-url").textContent()).toContain(`${shop.url}/api/shoes/a1`);
    expect([elsewhere, complaints]).toEqual([[], []]);
    await page.close();
  });

  test("an admin signs in to the documentation, adds a shoe and likes it", async () => {
    const login = await ask(shop, "POST", "/api/auth/login", { body: ADMIN });
    const { token } = (await login.json()) as { token: string };
    const { page, elsewhere, complaints } = await open("/docs");
    await page.locator("button.authorize").first().click();
    const dialog = page.locator(".dialog-ux");
    await dialog.locator("input").fill(token);
    await dialog.locator("button.authorize").click();
    await dialog.locator("button.btn-done").click();

    const answerOf = async (id: string, fill: (operation: Locator) => Promise<void>) => {
      const operation = page.locator(`#operations-Catalogue-${id}`);
      await operation.locator(".opblock-summary-control").click();
      await fill(operation);
      await operation.locator("button.execute").click();
      const answer = operation.locator(".live-responses-table");
      await answer.waitFor();
      const status = answer.locator("tbody td.response-col_status").first();
      return [(await status.textContent())?.slice(0, 3), await answer.textContent()];
    };
    const [added, shown] = await answerOf("addShoe", (operation) =>
      operation.locator("textarea.body-param__text").fill('{"shoe_id":"new","title":"New one","price":99.5}'),
    );
    expect([added, shown]).toEqual(["201", expect.stringContaining('"title": "New one"')]);
    const [liked] = await answerOf("likeShoe", async (operation) => {
      await operation.locator('input[placeholder="id"]').fill("new");
      await operation.locator('input[placeholder="userid"]').fill("me");
    });
    expect(liked).toBe("201");
    expect(await (await shop.get("/api/shoes/new")).json()).toMatchObject({
      data: { price: 99.5, likes: 1 },
    });
    expect([elsewhere, complaints]).toEqual([[], []]);
    await page.close();
  });

  test.each(["/", "/problems/not-found"])(
    "%s applies its style, shows its logo, and runs no script",
    async (path) => {
      const { page, elsewhere, complaints } = await open(path);
      expect(await page.evaluate("window.ran")).toBeUndefined();
      expect(await page.evaluate("getComputedStyle(document.querySelector('.brand')).display")).toBe("flex");
      const pictures = "[...document.images].filter((image) => image.naturalWidth === 0).length";
      expect(await page.evaluate(pictures)).toBe(0);
      if (path === "/") expect(await page.locator(".name").allInnerTexts()).toContain(HOSTILE);
      expect([elsewhere, complaints]).toEqual([[], []]);
      await page.close();
    },
  );

  test.each([360, 390, 768, 1280])("the front page does not scroll sideways at %p pixels", async (width) => {
    const { page } = await open("/");
    await page.setViewportSize({ width, height: 800 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    await page.close();
  });

  test("the drawn picture of a shoe with a hostile title runs no script", async () => {
    const { page, elsewhere } = await open("/images/evil.svg");
    expect(await page.evaluate("window.ran")).toBeUndefined();
    expect(elsewhere).toEqual([]);
    await page.close();
  });
});
