// Bad orders and quotes: each is refused with its status and pointers, and takes nothing from stock.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { askFor, guestOrder, type OrderAnswer, order, ordersIn, stockIn } from "../testing/orders.ts";
import { type Person, signUp } from "../testing/people.ts";
import { openTestShop, shoe, type TestShop } from "../testing/shop.ts";

const SHIPPING =
  '[{"method":"post","name":"Post","countries":["DE","FR"],"price":4.9},{"method":"courier","name":"Courier","countries":["DE"],"price":9}]';
const ADDRESS = { street: "Way 1", city: "Köln", country: "DE" };
/** Sizes of a shoe of which 100 pairs each cost more than an amount can say. */
const GOLD = Array.from({ length: 10 }, (_, index) => `g${index}`);
const OPEN_ORDERS = { OPEN_ORDERS_MAX: "0", OPEN_ORDERS_ADDRESS_MAX: "0" };
let shop: TestShop;
let cardless: TestShop;
let customer: Person;
beforeAll(async () => {
  const drafts = [
    shoe("plain"),
    shoe("sized", { sizes: ["41", "42"].map((size) => ({ size, stock: 5 })) }),
    shoe("dear", { sizes: [{ size: "", stock: 1_000 }] }),
    shoe("gold", { priceCents: 100_000_000, sizes: GOLD.map((size) => ({ size, stock: 1 })) }),
    ...Array.from({ length: 51 }, (_, index) => shoe(`many${index}`)),
  ];
  shop = await openTestShop(drafts, { SHIPPING, ...OPEN_ORDERS });
  cardless = await openTestShop([shoe("plain")], { PAYMENT_GATEWAY: "none", GUEST_ORDERS: "false" });
  customer = await signUp(shop);
});
afterAll(async () => {
  await shop.close();
  await cardless.close();
});
let before: ReturnType<typeof everything>;
const everything = () => [stockIn(shop.db), ordersIn(shop.db), stockIn(cardless.db), ordersIn(cardless.db)];
beforeEach(() => {
  before = everything();
});

const pointersOf = ({ body }: OrderAnswer): string[] =>
  (body.errors ?? []).map(({ pointer }: { pointer: string }) => pointer);
/** Refused by this status and these pointers, with nothing changed. */
const refusal = (answer: OrderAnswer): unknown[] => [answer.status, pointersOf(answer), everything()];
const items = (...all: unknown[]) => ({ items: all, shippingAddress: ADDRESS });
const item = (given: Record<string, unknown>) => items({ productId: "plain", quantity: 1, ...given });
const good = item({});
const address = (given: Record<string, unknown>) => ({ ...good, shippingAddress: { ...ADDRESS, ...given } });
const many = (count: number) =>
  items(...Array.from({ length: count }, (_, index) => ({ productId: `many${index}`, quantity: 1 })));

type Refused = [string, unknown, number, string[]];
const REFUSED: Refused[] = [
  ["a list", [good], 400, [""]],
  ["no items", { shippingAddress: ADDRESS }, 400, ["/items"]],
  ["empty items", items(), 400, ["/items"]],
  ["items that are no list", { items: { productId: "plain" } }, 400, ["/items"]],
  ["an item that is text", items("plain"), 400, ["/items/0"]],
  ["501 items", items(...Array(501).fill({ productId: "plain", quantity: 1 })), 400, ["/items"]],
  ...[0, -1, 1.5, 1e9, 101, "2", null, true].map(
    (quantity): Refused => [
      `quantity ${JSON.stringify(quantity)}`,
      item({ quantity }),
      400,
      ["/items/0/quantity"],
    ],
  ),
  ["no quantity", items({ productId: "plain" }), 400, ["/items/0/quantity"]],
  ["an unknown product", item({ productId: "nothing" }), 400, ["/items/0/productId"]],
  ["a product id that is none", item({ productId: "a b" }), 400, ["/items/0/productId"]],
  ["a missing size", item({ productId: "sized" }), 400, ["/items/0/size"]],
  ["an empty size", item({ productId: "sized", size: "" }), 400, ["/items/0/size"]],
  ["an unknown size", item({ productId: "sized", size: "43" }), 400, ["/items/0/size"]],
  ["a size that the shoe does not have", item({ size: "41" }), 400, ["/items/0/size"]],
  [
    "several at once, each with its place",
    items(
      { productId: "no", quantity: 1 },
      { productId: "sized", quantity: 1 },
      { productId: "plain", quantity: 1 },
    ),
    400,
    ["/items/0/productId", "/items/1/size"],
  ],
  [
    "equal items of 101 pairs",
    items({ productId: "dear", quantity: 100 }, { productId: "dear", quantity: 1 }),
    400,
    ["/items/0/quantity"],
  ],
  ["51 different lines", many(51), 400, ["/items"]],
  [
    "a total that cannot be stated",
    items(...GOLD.map((size) => ({ productId: "gold", size, quantity: 100 }))),
    400,
    ["/items"],
  ],
  ["more than there is", item({ quantity: 6 }), 409, ["/items/0/quantity"]],
  [
    "one short line of two",
    items({ productId: "sized", size: "41", quantity: 1 }, { productId: "plain", quantity: 6 }),
    409,
    ["/items/1/quantity"],
  ],
  [
    "equal items that are short together",
    items({ productId: "plain", quantity: 3 }, { productId: "plain", quantity: 3 }),
    409,
    ["/items/0/quantity"],
  ],
  ["an address without a country", address({ country: undefined }), 400, ["/shippingAddress/country"]],
  ["an address without a street", address({ street: " " }), 400, ["/shippingAddress/street"]],
  ["10 KB of street", address({ street: "x".repeat(10_240) }), 400, ["/shippingAddress/street"]],
  ["a street of two lines", address({ street: "Way 1\nBcc: all" }), 400, ["/shippingAddress/street"]],
  ["an address that is text", { ...good, shippingAddress: "Way 1" }, 400, ["/shippingAddress"]],
  ...["de", "DEU", "UK", "ZZ", "EU", "__", 49].map(
    (country): Refused => [`country ${country}`, address({ country }), 400, ["/shippingAddress/country"]],
  ),
  ["a country that no method reaches", address({ country: "JP" }), 400, ["/shippingAddress/country"]],
  ["no country where no method goes everywhere", { items: good.items }, 400, ["/shippingAddress/country"]],
  ["an unknown method", { ...good, shippingMethod: "drone" }, 400, ["/shippingMethod"]],
  [
    "a method of another country",
    { ...address({ country: "FR" }), shippingMethod: "courier" },
    400,
    ["/shippingMethod"],
  ],
  ["an unknown way of paying", { ...good, paymentMethod: "cash" }, 400, ["/paymentMethod"]],
  ["an empty payment token", { ...good, paymentToken: "" }, 400, ["/paymentToken"]],
  ["a short cart id", { ...good, cartId: "c".repeat(15) }, 400, ["/cartId"]],
  ["a cart id with a space", { ...good, cartId: "cart of a guest" }, 400, ["/cartId"]],
  ["a bad e-mail address", { ...good, email: "nobody" }, 400, ["/email"]],
  ["an expected total with three decimals", { ...good, expectedTotal: 54.901 }, 400, ["/expectedTotal"]],
  ["a lower expected total", { ...good, expectedTotal: 54.89 }, 409, ["/expectedTotal"]],
];

describe("an order is refused and takes nothing:", () => {
  test.each(REFUSED)("%s", async (_, body, status, pointers) => {
    expect(refusal(await order(shop, body, { token: customer.token }))).toEqual([status, pointers, before]);
  });

  test.each([256, 300])("an Idempotency-Key of %p characters", async (length) => {
    const answer = await order(shop, good, { token: customer.token, key: "k".repeat(length) });
    expect([answer.body.detail, ...refusal(answer)]).toEqual([
      "Idempotency-Key must have 1 to 255 printable characters",
      400,
      [],
      before,
    ]);
  });

  test("a card where the shop takes none, before its lines are looked at", async () => {
    const person = await signUp(cardless);
    const answer = await order(
      cardless,
      { items: [{ productId: "nothing", quantity: 1 }] },
      { token: person.token },
    );
    expect([answer.body.type, ...refusal(answer)]).toEqual([
      "/problems/payment-unavailable",
      409,
      ["/paymentMethod"],
      before,
    ]);
  });

  test("a guest where only accounts may order, before the body is read", async () => {
    for (const body of [guestOrder("plain"), guestOrder("nothing"), "{", []])
      expect(refusal(await order(cardless, body))).toEqual([401, [], before]);
  });
});

test("sizes, and what is left, are named by the problem", async () => {
  const token = { token: customer.token };
  const noSize = await order(shop, item({ productId: "sized" }), token);
  expect(noSize.body.errors[0].detail).toBe("is required: one of 41, 42");
  const otherSize = await order(shop, item({ productId: "sized", size: "43" }), token);
  expect(otherSize.body.errors[0].detail).toBe("is not a size of the shoe: one of 41, 42");
  const short = await order(shop, item({ productId: "sized", size: "41", quantity: 9 }), token);
  expect([short.body.type, short.body.detail, short.body.errors]).toEqual([
    "/problems/out-of-stock",
    "sized size 41: 5 left",
    [{ pointer: "/items/0/quantity", detail: "5 left" }],
  ]);
});

test("a product that was removed, a size that went and a price that rose since the quote are refused", async () => {
  const given = {
    CURRENCY: "USD",
    ...OPEN_ORDERS,
    ADMIN_EMAIL: "a@shop.example",
    ADMIN_PASSWORD: "an admin's password",
  };
  const own = await openTestShop(
    [shoe("gone"), shoe("sized", { sizes: [{ size: "41", stock: 1 }] }), shoe("dearer")],
    given,
  );
  const { token } = (
    await askFor(own, "POST", "/api/auth/login", { email: "a@shop.example", password: "an admin's password" })
  ).body;
  const wish = (productId: string, size?: string) => ({
    items: [{ productId, quantity: 1, ...(size && { size }) }],
  });
  const total = async (body: unknown) =>
    (await askFor(own, "POST", "/api/orders/quote", body)).body.data.totalAmount;
  expect([await total(wish("gone")), await total(wish("sized", "41")), await total(wish("dearer"))]).toEqual([
    50, 50, 50,
  ]);
  await askFor(own, "DELETE", "/api/shoes/gone", undefined, { token });
  await askFor(own, "PUT", "/api/shoes/sized/stock", { sizes: [{ size: "42", stock: 1 }] }, { token });
  await own.db.write([{ sql: "DELETE FROM sizes WHERE size = '41'" }]);
  await askFor(own, "PUT", "/api/products/dearer", { price: 60 }, { token });
  const stock = stockIn(own.db);
  const place = (body: object) => order(own, { ...body, expectedTotal: 50 }, { token });
  const answers = [await place(wish("gone")), await place(wish("sized", "41")), await place(wish("dearer"))];
  expect(answers.map((answer) => [answer.status, pointersOf(answer)])).toEqual([
    [400, ["/items/0/productId"]],
    [400, ["/items/0/size"]],
    [409, ["/expectedTotal"]],
  ]);
  expect(answers[2]?.body.detail).toBe("the total is 60.00 today");
  expect([stockIn(own.db), ordersIn(own.db)]).toEqual([stock, 0]);
  expect((await order(own, { ...wish("dearer"), expectedTotal: 60 }, { token })).status).toBe(201);
  await own.close();
});

describe("a quote", () => {
  const quote = (body: unknown, headers = {}) => askFor(shop, "POST", "/api/orders/quote", body, { headers });
  const LINES = {
    items: [
      { productId: "plain", quantity: 6 },
      { productId: "sized", size: 41, quantity: 1 },
    ],
  };

  test("shows lines, totals, every way of delivery and what is short; takes nothing and is not shared", async () => {
    const { status, headers, body } = await quote({ ...LINES, country: "DE", shippingMethod: "courier" });
    expect([status, headers.get("cache-control"), headers.get("etag")]).toEqual([
      200,
      "private, no-store",
      null,
    ]);
    expect(body.data).toEqual({
      items: [
        { productId: "plain", productName: "Shoe plain", size: "", quantity: 6, price: 50 },
        { productId: "sized", productName: "Shoe sized", size: "41", quantity: 1, price: 50 },
      ],
      totals: { items: 350, shipping: 9, tax: 0, total: 359 },
      totalAmount: 359,
      currency: "USD",
      shippingMethod: "courier",
      shippingMethods: [
        { method: "post", name: "Post", price: 4.9 },
        { method: "courier", name: "Courier", price: 9 },
      ],
      short: [{ productId: "plain", size: "", quantity: 6, available: 5 }],
    });
    expect(everything()).toEqual(before);
  });

  const at = (given: Record<string, unknown>) => ({
    items: [{ productId: "plain", quantity: 1 }],
    country: "DE",
    ...given,
  });
  test.each<[string, unknown, number, string[]]>([
    ["a bad country", at({ country: "Germany" }), 400, ["/country"]],
    ["a country that no method reaches", at({ country: "JP" }), 400, ["/country"]],
    ["no country where no method goes everywhere", at({ country: null }), 400, ["/country"]],
    ["an unknown method", at({ shippingMethod: "drone" }), 400, ["/shippingMethod"]],
    [
      "an unknown product",
      at({ items: [{ productId: "nothing", quantity: 1 }] }),
      400,
      ["/items/0/productId"],
    ],
    ["no items", at({ items: [] }), 400, ["/items"]],
    ["a list", [], 400, [""]],
  ])("is refused for %s", async (_, body, status, pointers) => {
    expect(refusal(await quote(body))).toEqual([status, pointers, before]);
  });

  test("a bad token is refused", async () => {
    expect((await quote(at({}), { authorization: "Bearer no" })).status).toBe(401);
  });
});

test("50 different lines and 100 pairs of one are the most that is taken", async () => {
  const token = { token: customer.token };
  expect((await order(shop, many(50), token)).status).toBe(201);
  expect((await order(shop, items({ productId: "dear", quantity: 9 }), token)).status).toBe(201);
  const placed = await order(
    shop,
    { ...address({ country: "FR" }), expectedTotal: "54.90", shippingMethod: null },
    token,
  );
  expect([placed.status, placed.body.data.shippingMethod, placed.body.data.totalAmount]).toEqual([
    201,
    "post",
    54.9,
  ]);
});
