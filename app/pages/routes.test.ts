// The generated pages: their content, their policy, and that hostile text stays text.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { html } from "../http/html.ts";
import { PROBLEMS } from "../http/problems.ts";
import { openTestShop, shoe, type TestShop } from "../testing/shop.ts";

const HOSTILE = `<script>alert(1)</script><img src=x onerror="alert(2)">'"&`;

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop([
    ...Array.from({ length: 20 }, (_, index) =>
      shoe(`s${index}`, {
        title: `Plain ${index}.`,
        category: "Running",
        // Below or at the price of 5,000: no sale.
        listPriceCents: [null, 4_000, 5_000][index % 3] ?? null,
      }),
    ),
    shoe("hostile", {
      title: HOSTILE,
      brand: `</style><svg onload=alert(3)>`,
      category: `"><script>alert(4)</script>`,
      priceCents: 123_450,
      listPriceCents: 200_000,
      images: [`https://img.example/a.png?"onerror="alert(5)`],
    }),
  ]);
});
afterAll(() => shop.close());

const PAGES = ["/", ...Object.keys(PROBLEMS).map((type) => `/problems/${type}`)];

describe("every page", () => {
  test.each(PAGES)("%s runs no script, loads nothing and is revalidated", async (path) => {
    const response = await shop.get(path);
    const body = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("cache-status")).toBeNull();
    expect(body).not.toMatch(/<script|<iframe|<form|<base|<[^>]*\s(on\w+|style)=|url\(|@import/i);
    const csp = response.headers.get("content-security-policy") ?? "";
    const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? "";
    const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64");
    expect(csp.split("; ")).toEqual([
      "default-src 'none'",
      `style-src 'sha256-${hash}'`,
      "img-src 'self' https: http:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    const etag = response.headers.get("etag") ?? "";
    expect((await shop.get(path, { headers: { "if-none-match": etag } })).status).toBe(304);
    const head = await shop.get(path, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(String(Buffer.byteLength(body)));
    expect((await shop.get(path, { method: "POST" })).status).toBe(405);
  });
});

test("the front page shows the twelve newest shoes with pictures and prices, and links into the API", async () => {
  const body = await (await shop.get("/")).text();
  expect(body.match(/<li class="shoe">/g)).toHaveLength(12);
  expect(body).toContain("Plain 19.");
  expect(body).not.toContain("Plain 0.");
  expect(body).toContain('<img src="/images/s19.svg?v=1"');
  expect(body).toContain("<b>$1,234.50</b><s>$2,000.00</s>");
  expect(body.match(/<s>/g)).toHaveLength(1);
  expect(body).toContain("12 of 21");
  expect(body).toContain('href="/api/shoes?category=Running"');
  for (const address of [
    "/docs",
    "/api/shoes",
    "/health",
    "/api/shoes/s19",
    "/api/shoes/s19/relatedproducts",
  ]) {
    expect(body).toContain(`href="${address}"`);
    expect((await shop.get(address)).status).toBe(200);
  }
});

test("a hostile title, brand, category and address stay text", async () => {
  const body = await (await shop.get("/")).text();
  expect(body).toContain(
    "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&quot;alert(2)&quot;&gt;&#39;&quot;&amp;</a>",
  );
  expect(body).toContain("&lt;/style&gt;&lt;svg onload=alert(3)&gt;");
  expect(body).toContain(`src="https://img.example/a.png?&quot;onerror=&quot;alert(5)"`);
  expect(body).toContain(`?category=%22%3E%3Cscript%3Ealert(4)%3C%2Fscript%3E">&quot;&gt;&lt;script&gt;`);
});

test("an added shoe appears at the next request", async () => {
  const fresh = await openTestShop([]);
  expect(await (await fresh.get("/")).text()).toContain("The catalogue is empty");
  await fresh.db.write([
    {
      sql: `INSERT INTO shoes (shoe_id, slug, price_cents, title, images, origin, content_hash, created_at, updated_at, description)
            VALUES ('n1', 'n1', 100, 'Brand new', '[]', 'api', 'h', 0, 0, '')`,
    },
  ]);
  const body = await (await fresh.get("/")).text();
  await fresh.close();
  expect(body).toContain("Brand new");
  expect(body).toContain("<b>$1.00</b>");
});

test("the type of a problem links to its page; other types are 404", async () => {
  const { type } = (await (await shop.get("/api/shoes/nobody")).json()) as { type: string };
  const page = await (await shop.get(type)).text();
  expect(page).toContain("<h1>Not found</h1>");
  expect(page).toContain("<dd>404</dd>");
  for (const unknown of [
    "/problems/x",
    "/problems/__proto__",
    "/problems/toString",
    "/problems/",
    "/problems/%3Cb%3E",
  ])
    expect([unknown, (await shop.get(unknown)).status]).toEqual([unknown, 404]);
  expect(await (await shop.get("/problems/invalid-request")).text()).toContain("<code>errors</code>");
});

test("the icon is a picture", async () => {
  const icon = await shop.get("/favicon.ico");
  expect([icon.status, icon.headers.get("content-type")]).toEqual([200, "image/svg+xml"]);
  expect(await icon.text()).toStartWith('<svg xmlns="http://www.w3.org/2000/svg"');
});

test("html escapes text once and markup not at all", () => {
  const inner = html`<b>${"<&>"}</b>`;
  expect(html`${inner}${[inner, inner]}${3}`.markup).toBe(`${"<b>&lt;&amp;&gt;</b>".repeat(3)}3`);
});
