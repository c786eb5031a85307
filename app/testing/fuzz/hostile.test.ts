// Hostile texts in every text field and parameter: refused with the field's name, or returned unchanged; never interpreted.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openapiDocument } from "../../openapi.ts";
import { ask } from "../people.ts";
import { openTestShop, shoe, type TestShop, WITHOUT_WAITS } from "../shop.ts";
import { textFields, withText } from "./bodies.ts";
import { violations } from "./check.ts";
import { type Operation, operationsOf, type Schema } from "./document.ts";
import { HOSTILE } from "./hostile.ts";

const ADMIN = { email: "admin@shop.example", password: "correct horse battery" };
const TIMEOUT_MS = 120_000;
/** Bun itself refuses a head of more than 16 KiB. */
const ESCAPED_MAX = 9_000;
const texts = Object.entries(HOSTILE);

let shop: TestShop;
let token = "";
let orderId = "";
let operations: Operation[] = [];
beforeAll(async () => {
  operations = operationsOf(await openapiDocument());
  shop = await openTestShop(
    [
      shoe("a1", { sizes: [{ size: "9.5", stock: 3 }], brand: "North" }),
      shoe("o1", { sizes: [{ size: "", stock: 100_000 }] }),
    ],
    {
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      RATE_LIMIT_MAX: "0",
      RATE_LIMIT_AUTH_MAX: "0",
      OPEN_ORDERS_MAX: "0",
      OPEN_ORDERS_ADDRESS_MAX: "0",
    },
    WITHOUT_WAITS,
  );
  ({ token } = (await (await ask(shop, "POST", "/api/auth/login", { body: ADMIN })).json()) as {
    token: string;
  });
  const placed = await ask(shop, "POST", "/api/orders", {
    token,
    body: { items: [{ ...PAIR, quantity: 100 }] },
  });
  orderId = ((await placed.json()) as { data: { id: string } }).data.id;
});
afterAll(() => shop.close());

const operation = (id: string): Operation => operations.find((each) => each.id === id)!;
const valueAt = (value: unknown, pointer: string): unknown =>
  pointer
    .split("/")
    .slice(1)
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown>)?.[key], value);

/** The newest Insole-Version: every request sends it, so that it reads what was written. */
let version = "";

/** Sends a request, and checks the response against the general rules. */
async function send(
  id: string,
  path: string,
  given: { body?: unknown; headers?: Record<string, string> } = {},
) {
  const response = await ask(shop, operation(id).method, path, {
    token,
    ...given,
    headers: { "insole-version": version, ...given.headers },
  });
  version = response.headers.get("insole-version") ?? version;
  const received = { status: response.status, headers: response.headers, body: await response.text() };
  const request = { sender: "admin" as const, path: {}, query: [], headers: {}, body: null, contentType: "" };
  return {
    ...received,
    wrong: violations(operation(id), request, received, [shop.databasePath]),
    value: parsed(received.body),
  };
}

function parsed(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return {};
  }
}

let made = 0;
const dataOf = async (id: string, path: string) =>
  (await send(id, path)).value.data as Record<string, unknown>;
const idOf = (value: Record<string, unknown>) => (value.data as { id: string }).id;
const readShoe = (value: Record<string, unknown>) => dataOf("getShoe", `/api/shoes/${idOf(value)}`);
const readProduct = (value: Record<string, unknown>) => dataOf("getProduct", `/api/products/${idOf(value)}`);
const email = () => `hostile${++made}@shop.example`;
const PAIR = { productId: "o1", quantity: 1 };
const ADDRESS = { street: "Main Street 1", city: "Berlin", country: "DE" };
const ALL = { shoe_id: "a1", title: "T", images: [], price: 10, href: "/x", related_products: [] };

type Row = {
  /** `{order}` stands for the order of 100 pairs. */
  path: string;
  base: () => Record<string, unknown>;
  /** Reads back the resource that was written. */
  read?: (value: Record<string, unknown>, text: string) => Promise<unknown>;
  /** The field under which a text is returned, if not its own; null: none. */
  back?: Record<string, string | null>;
  /** Its texts lose white space at both ends. */
  isTrimmed?: boolean;
  /** Expected refusals besides 400: a failed login, a taken name. */
  refused?: number[];
  /** The field that is named in a refusal instead. */
  names?: Record<string, string>;
};

const SHOE_BACK = {
  "/shoe_id": "/id",
  "/images/0": "/gallery/0",
  "/gallery": "/gallery/0",
  "/related_products/0": null,
};
const PRODUCT_BACK = {
  "/shoe_id": "/id",
  "/images": "/images/0",
  "/gallery": "/images/0",
  "/gallery/0": "/images/0",
  "/related_products/0": null,
  "/sizeSystem": null,
  "/color": null,
  "/gender": null,
  "/href": null,
};
const ROWS: Record<string, Row> = {
  addShoe: { path: "/api/shoes", base: () => ({ title: "T", price: 10 }), read: readShoe, back: SHOE_BACK },
  replaceShoe: {
    path: "/api/shoes/a1",
    base: () => ALL,
    read: () => dataOf("getShoe", "/api/shoes/a1"),
    back: SHOE_BACK,
  },
  updateShoe: {
    path: "/api/shoes/update/a1",
    base: () => ALL,
    read: () => dataOf("getShoe", "/v1/shoes/a1"),
    back: SHOE_BACK,
  },
  addProduct: {
    path: "/api/products",
    base: () => ({ name: "N", price: 10 }),
    read: readProduct,
    back: PRODUCT_BACK,
    // The ids that a shoe was given before.
    refused: [409],
  },
  changeProduct: {
    path: "/api/products/a1",
    base: () => ({}),
    read: readProduct,
    back: { ...PRODUCT_BACK, "/shoe_id": null },
  },
  setStock: { path: "/api/shoes/a1/stock", base: () => ({ sizes: [{ size: "9.5", stock: 1 }] }) },
  addStock: { path: "/api/shoes/a1/stock", base: () => ({ delta: 0 }) },
  addCategory: {
    path: "/api/categories",
    base: () => ({ name: `Category ${++made}` }),
    read: async (value) => {
      const { name } = value.data as { name: string };
      return ((await send("listCategories", "/api/categories")).value.data as { name: string }[]).find(
        (each) => each.name === name,
      );
    },
    refused: [409],
  },
  mergeLikes: {
    path: "/api/users/me/likes",
    base: () => ({ shoeIds: ["a1"] }),
    back: { "/shoeIds/0": null },
  },
  register: {
    path: "/api/auth/register",
    base: () => ({ email: email(), password: "long enough 1", name: "N" }),
    read: async (value) => {
      const { user, token: own } = value as { user: { id: string }; token: string };
      const profile = await ask(shop, "GET", "/api/auth/profile", { token: own });
      expect(profile.status).toBe(200);
      return dataOf("getUser", `/api/users/${user.id}`);
    },
    back: { "/password": null },
  },
  login: { path: "/api/auth/login", base: () => ({ ...ADMIN, email: email() }), refused: [401] },
  refresh: { path: "/api/auth/refresh", base: () => ({}), refused: [401] },
  logout: { path: "/api/auth/logout", base: () => ({}), back: { "/refreshToken": null } },
  forgotPassword: { path: "/api/auth/forgot", base: () => ({ email: email() }) },
  resetPassword: {
    path: "/api/auth/reset",
    base: () => ({ token: "none", password: "long enough 1" }),
    // A good password meets a token that does not work.
    names: { "/password": "/token" },
  },
  changeProfile: {
    path: "/api/auth/profile",
    base: () => ({}),
    read: () => dataOf("getProfile", "/api/auth/profile"),
    back: { "/currentPassword": null },
    names: { "/password": "/currentPassword" },
  },
  changeUser: {
    path: "/api/users/me",
    base: () => ({}),
    read: () => dataOf("getUser", "/api/users/me"),
    back: { "/currentPassword": null },
    names: { "/password": "/currentPassword" },
  },
  removeUser: { path: "/api/users/me", base: () => ({}), refused: [403] },
  placeOrder: {
    path: "/api/orders",
    base: () => ({ items: [PAIR], shippingAddress: ADDRESS }),
    read: (value) => dataOf("getOrder", `/api/orders/${idOf(value)}`),
    isTrimmed: true,
    back: { "/email": null, "/cartId": null, "/expectedTotal": null, "/userId": null },
    // Another's userId, and shoes without stock.
    refused: [403, 409],
  },
  quoteOrder: { path: "/api/orders/quote", base: () => ({ items: [PAIR] }) },
  changeOrderStatus: { path: "/api/orders/{order}/status", base: () => ({ status: "shipped" }) },
  refundOrder: {
    path: "/api/orders/{order}/refunds",
    base: () => ({ items: [PAIR], amount: 0.01, restock: false }),
    back: { "/amount": null },
    refused: [409],
  },
  receiveEvent: { path: "/api/payments/webhooks/sandbox", base: () => ({}), refused: [401] },
};

test("every operation with a body has a row", async () => {
  const withBody = operations.filter(({ body }) => body !== null).map(({ id }) => id);
  expect(Object.keys(ROWS).toSorted()).toEqual(withBody.toSorted());
  expect(new Set(texts.map(([, text]) => text)).size).toBe(texts.length);
});

describe("in every text field of a body", () => {
  test.each(Object.entries(ROWS))(
    "%s",
    async (id, { path, base, read, back = {}, isTrimmed, refused = [], names = {} }) => {
      const found: string[] = [];
      let accepted = 0;
      for (const pointer of textFields(operation(id).body as Schema))
        for (const [name, text] of texts) {
          const report = (what: string) => found.push(`${pointer}, ${name}: ${what}`);
          const response = await send(id, path.replace("{order}", orderId), {
            body: withText(base(), pointer, text),
          });
          for (const what of response.wrong) report(what);
          if (response.status >= 400) {
            const { errors = [] } = response.value as { errors?: { pointer?: string }[] };
            const named = [pointer, pointer.replace(/\/0$/, ""), `${pointer}/0`, names[pointer]];
            const isNamed = errors.some((error) => named.includes(error.pointer));
            if (response.status === 400 ? !isNamed : !refused.includes(response.status))
              report(`${response.status} ${response.body}`);
          } else if (read && back[pointer] !== null) {
            accepted += 1;
            const shown = valueAt(await read(response.value, text), back[pointer] ?? pointer);
            if (shown !== (isTrimmed ? text.trim() : text))
              report(
                `${JSON.stringify(text).slice(0, 80)} came back as ${JSON.stringify(shown)?.slice(0, 80)}`,
              );
          }
        }
      expect(found).toEqual([]);
      if (read) expect(accepted).toBeGreaterThan(20);
    },
    TIMEOUT_MS,
  );
});

const OTHER_HEADERS = ["X-Request-Id", "Insole-Version", "If-None-Match", "Cookie", "Origin", "Traceparent"];
const escaped = (text: string) => encodeURIComponent(text.toWellFormed());

test(
  "in every query parameter, which is named in a refusal",
  async () => {
    const found: string[] = [];
    for (const { id, method, path, parameters } of operations) {
      const named = parameters.filter((each) => each.in === "query").map(({ name }) => name);
      for (const parameter of [...named, ...(named.length > 0 ? ["unknown"] : [])])
        for (const [name, text] of texts.filter(([, each]) => escaped(each).length < ESCAPED_MAX)) {
          expect(method).toBe("GET");
          const address = `${path.replace("{id}", "me")}?${parameter}=${escaped(text)}`;
          const response = await send(id, address);
          const { errors = [] } = response.value as { errors?: { parameter?: string }[] };
          const isTooLong = shop.url.length + address.length > 8_192;
          const isRefused =
            response.status === 400 && (isTooLong || errors.some((error) => error.parameter === parameter));
          if (response.wrong.length > 0 || !(response.status === 200 || isRefused))
            found.push(
              `${id} ${parameter}, ${name}: ${response.status} ${response.wrong.join("; ")} ${response.body.slice(0, 300)}`,
            );
        }
    }
    expect(found).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "in every path segment and every header",
  async () => {
    const found: string[] = [];
    for (const { id, path, parameters } of operations) {
      const body = operation(id).body ? ROWS[id]?.base() : undefined;
      const parts = parameters.filter((each) => each.in === "path").map((each) => each.name);
      const isSample = ["listShoes", "getShoe", "addShoe", "getProfile"].includes(id);
      const documented = parameters.filter((each) => each.in === "header").map((each) => each.name);
      const headers = [...documented, ...(isSample ? OTHER_HEADERS : [])];
      for (const [name, text] of texts) {
        const plain = path.replace("/users/{id}", "/users/me").replace("{file}", "a1.svg");
        if (escaped(text).length < ESCAPED_MAX)
          for (const part of parts) {
            const address = path.replace(`{${part}}`, escaped(text)).replace(/\{\w+\}/g, "me");
            const response = await send(id, address, { body });
            if (response.wrong.length > 0)
              found.push(`${id} ${part}, ${name}: ${response.status} ${response.wrong.join("; ")}`);
          }
        // Clients cannot send other texts in a header.
        const isBytes = /^[\t\x20-\x7e\xa0-\xff]{1,5000}$/.test(text);
        for (const header of isBytes && !/^remove/.test(id) ? headers : []) {
          const response = await send(id, plain.replace(/\{\w+\}/g, "a1"), {
            body,
            headers: { [header]: text },
          });
          if (response.wrong.length > 0)
            found.push(`${id} ${header}, ${name}: ${response.status} ${response.wrong.join("; ")}`);
        }
      }
    }
    expect(found).toEqual([]);
  },
  TIMEOUT_MS,
);

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const MARKUP = /<script|<img src=x|<svg onload|<title><|\sonerror="|\{\{49|<!ENTITY/i;

test(
  "accepted texts are plain text on the front page and in pictures",
  async () => {
    const wrong: string[] = [];
    for (const [name, text] of texts) {
      const title = `${text} `;
      const { status, value } = await send("addShoe", "/api/shoes", {
        body: { title, price: 10, category: text },
      });
      if (status !== 201) continue;
      const page = await (await shop.get("/", { headers: { "insole-version": version } })).text();
      const picture = await (await shop.get(`/images/${idOf(value)}.svg`)).text();
      const shown = title.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? "");
      if (!page.includes(shown)) wrong.push(`${name} is not on the page`);
      if (MARKUP.test(page) || MARKUP.test(picture)) wrong.push(`${name} is markup`);
    }
    expect(wrong).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "a shoe is found by its hostile labels only",
  async () => {
    const wrong: string[] = [];
    for (const [name, text] of texts) {
      const response = await send("addShoe", "/api/shoes", {
        body: { title: "Labelled", price: 10, brand: text, sizes: [{ size: "42", stock: 1 }] },
      });
      if (response.status !== 201) continue;
      const { value } = await send("listShoes", `/api/shoes?brand=${escaped(text)}&limit=100`);
      const listed = value.data as { id: string; brand: string }[];
      if (!listed.some(({ id }) => id === idOf(response.value)) || listed.some(({ brand }) => brand !== text))
        wrong.push(name);
    }
    expect(wrong).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "a hostile password opens its account, and no other password does",
  async () => {
    const wrong: string[] = [];
    for (const [name, password] of texts) {
      const account = { email: email(), password };
      const { status } = await send("register", "/api/auth/register", { body: { ...account, name: "N" } });
      if (status !== 201) continue;
      const right = await send("login", "/api/auth/login", { body: account });
      const other = await send("login", "/api/auth/login", {
        body: { ...account, password: `${password}x` },
      });
      if (right.status !== 200 || other.status !== 401)
        wrong.push(`${name}: ${right.status}, ${other.status}`);
    }
    expect(wrong).toEqual([]);
  },
  TIMEOUT_MS,
);
