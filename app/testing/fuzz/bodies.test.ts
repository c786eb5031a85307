// The document and the readers of bodies hold the same rules: what the one allows, the other takes, and nothing else.
import { beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  AccountChange,
  Forgot,
  Login,
  Profile,
  Refresh,
  Registration,
  Removal,
  Reset,
} from "../../accounts/fields.ts";
import type { Fields } from "../../http/body.ts";
import { Problem } from "../../http/problems.ts";
import { GuestLikes, LIKE_SCHEMAS, NamedLike } from "../../likes/model.ts";
import { openapiDocument } from "../../openapi.ts";
import { Placing, QuoteRequest, RefundRequest, StatusChange } from "../../orders/fields.ts";
import { Event } from "../../orders/payment/sandbox/event.ts";
import { readNewShoe, readPartial, readReplacement } from "../../shoes/write/draft.ts";
import { NewCategory, Stock, StockDelta } from "../../shoes/write/model.ts";
import { breachesOf, type Edit, edgesOf, edited, validOf } from "./bodies.ts";
import { operationsOf, type Schema } from "./document.ts";

const RUNS = 60;
const SEED = 1;
const SHOP = { publicUrl: "", currency: "USD" };

type Reader = (fields: Fields) => unknown;
const replace: Reader = (fields) => readReplacement(fields, "mine", SHOP);
/** The reader of each operation that has a body. */
const READERS: Record<string, Reader> = {
  addShoe: (fields) => readNewShoe(fields, "shoe", SHOP),
  replaceShoe: replace,
  updateShoe: replace,
  addProduct: (fields) => readNewShoe(fields, "product", SHOP),
  changeProduct: (fields) => readPartial(fields, SHOP),
  setStock: Stock.read,
  addStock: StockDelta.read,
  addCategory: NewCategory.read,
  mergeLikes: GuestLikes.read,
  // It is in the document of no shop, for its route is there with OPEN_WRITES only.
  likeNamed: NamedLike.read,
  register: Registration.read,
  login: Login.read,
  refresh: Refresh.read,
  logout: Refresh.read,
  forgotPassword: Forgot.read,
  resetPassword: Reset.read,
  changeProfile: Profile.read,
  changeUser: AccountChange.read,
  removeUser: Removal.read,
  placeOrder: Placing.read,
  quoteOrder: QuoteRequest.read,
  changeOrderStatus: StatusChange.read,
  refundOrder: RefundRequest.read,
  receiveEvent: Event.read,
};

let schemas: Record<string, Schema> = {};
beforeAll(async () => {
  const operations = operationsOf(await openapiDocument());
  const bodies = operations.flatMap(({ id, body }) => (body ? [[id, body] as const] : []));
  schemas = { ...Object.fromEntries(bodies), likeNamed: LIKE_SCHEMAS.NamedLike as Schema };
});

/** Keeps the rules between fields, which a schema cannot say. */
function together(id: string, body: Fields): Fields {
  const { currency, stock, sizes, shoe_id, related_products, ...rest } = body;
  const own = id.startsWith("replace") || id.startsWith("update") ? "mine" : shoe_id;
  const named = Array.isArray(sizes) ? sizes.map((each: object, at) => ({ ...each, size: `${at}` })) : sizes;
  const others = Array.isArray(related_products)
    ? related_products.filter((each) => each !== own)
    : related_products;
  const kept = {
    currency: currency === undefined ? undefined : SHOP.currency,
    stock: sizes === undefined ? stock : undefined,
    sizes: named,
    shoe_id: own,
    related_products: others,
  };
  return {
    ...rest,
    ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)),
  };
}

/** The pointers of what a reader refuses; `null` where it takes the body. */
function refusal(id: string, body: Fields): string[] | null {
  try {
    READERS[id]?.(body);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown;
    return thrown.errors.map((each) => ("pointer" in each ? each.pointer : ""));
  }
}

const validBodies = (id: string) => validOf(schemas[id] ?? {}).map((body) => together(id, body as Fields));
const pointerOf = ({ path }: Edit) => path.map((part) => `/${part}`).join("");
const isNear = (pointer: string, wanted: string) => pointer.startsWith(wanted) || wanted.startsWith(pointer);

/** Tries each edit on several valid bodies; every edit finds a body with its place. */
function forEach(id: string, edits: Edit[], check: (edit: Edit, body: Fields) => void): void {
  const tried = new Set<Edit>();
  for (const body of fc.sample(validBodies(id), { seed: SEED, numRuns: RUNS }))
    for (const edit of edits) {
      const next = edited(body, edit);
      if (next === null) continue;
      check(edit, next as Fields);
      tried.add(edit);
    }
  expect(edits.filter((edit) => !tried.has(edit))).toEqual([]);
}

test("every operation with a body has its reader here", () => {
  expect(Object.keys(schemas).toSorted()).toEqual(Object.keys(READERS).toSorted());
});

describe.each(Object.keys(READERS))("%s", (id) => {
  test("takes what the document allows", () => {
    fc.assert(
      fc.property(validBodies(id), (body) => {
        expect(refusal(id, body)).toBeNull();
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  test("takes what reaches a bound of the document", () => {
    forEach(id, edgesOf(schemas[id] ?? {}), (edit, body) => {
      expect([pointerOf(edit), edit.rule, refusal(id, together(id, body))]).toEqual([
        pointerOf(edit),
        edit.rule,
        null,
      ]);
    });
  });

  test("refuses what breaks a rule of the document, and says where", () => {
    const breaches = breachesOf(schemas[id] ?? {});
    expect(breaches.length).toBeGreaterThan(1);
    forEach(id, breaches, (breach, body) => {
      const pointer = pointerOf(breach);
      const isNamed = refusal(id, body)?.every((each) => isNear(each, pointer)) ?? "it was taken";
      expect([pointer, breach.rule, isNamed]).toEqual([pointer, breach.rule, true]);
    });
  });
});
