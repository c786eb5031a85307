// Writes to the catalogue over HTTP: bodies in, items and their new entity tags out.
import { Elysia } from "elysia";
import { type Fields, readFields } from "../../http/body.ts";
import type { Caller } from "../../http/caller.ts";
import type { Idempotency, StoreAnswer, StoredAnswer } from "../../http/idempotency.ts";
import { Problem } from "../../http/problems.ts";
import type { Versions } from "../../http/version.ts";
import type { Identity } from "../../identity/identity.ts";
import { identityPlugin } from "../../identity/plugin.ts";
import type { Likes } from "../../likes/likes.ts";
import type { CatalogueServices } from "../routes.ts";
import { findIdOfSlug, findVersion } from "../shoes.ts";
import type { View } from "../views.ts";
import { readCondition, respondWrite } from "./answer.ts";
import { readCategory, readDelta, readNewShoe, readPartial, readReplacement, readStock } from "./body.ts";
import { isShoeId } from "./draft.ts";
import type { Writing } from "./group.ts";
import { WRITE_DOCS as DOCS } from "./model.ts";
import { addCategory, addShoe, changeShoe, removeShoe } from "./shoes.ts";
import { addStock, setStock } from "./stock.ts";

export type WriteServices = CatalogueServices & {
  identity: Identity;
  versions: Versions;
  idempotency: Idempotency;
  likes: Likes;
  /** Looks at the change feed now, so that what was just written is not answered as it was before. */
  look(): void;
  now(): number;
  /** Shoe and like routes take requests without a token. */
  openWrites: boolean;
};

/** What a handler gets; nobody is the caller where writes are open. */
export type Asked = { request: Request; params: Record<string, string>; caller?: Caller };

/** The guard of a route, or none where writes are open. */
export const guardOf = <W extends "admin" | "self">({ openWrites }: WriteServices, who: W): { who: W } =>
  (openWrites ? {} : { who }) as { who: W };

/** Answers a write: once per Idempotency-Key, and with how new the shop is now. */
export async function answerWrite(
  { idempotency, look, versions, now }: WriteServices,
  { request, caller = undefined }: Asked,
  content: unknown,
  work: (writing: Writing) => Promise<StoredAnswer>,
): Promise<Response> {
  const run = (keep: StoreAnswer) => work({ caller: caller ?? null, keep, nowMs: now() });
  const { answer, isReplay } =
    request.method === "POST"
      ? await idempotency.once(request, caller ?? null, content, run)
      : { answer: await run(() => []), isReplay: false };
  look();
  return respondWrite(answer, [
    ...versions.headers(),
    ...(isReplay ? ([["idempotent-replayed", "true"]] as [string, string][]) : []),
  ]);
}

/** The id behind an address, which may be a slug. Throws the `Problem` 404. */
export async function idAt({ db }: Pick<WriteServices, "db">, address: string): Promise<string> {
  // What the copy here knows for an id is one; whether it is still there is the write's own condition.
  if (isShoeId(address) && findVersion(db, address) !== null) return address;
  const shoeId = await db.onPrimary((at) =>
    isShoeId(address) && findVersion(at, address) !== null ? address : findIdOfSlug(at, address),
  );
  if (shoeId === null) throw new Problem("not-found", "there is no such shoe");
  return shoeId;
}

/** The routes below `/api` and `/v1`. */
export function catalogueWriteRoutes(services: WriteServices) {
  const shoes = guardOf(services, "admin");
  const hook = <D extends object>(docs: D) => ({ ...docs, ...shoes, parse: "none" as const });
  const does = handlers(services);
  return new Elysia({ name: "catalogue-writes" })
    .use(identityPlugin(services.identity))
    .post("/shoes", (asked) => does.add(asked, "shoe"), hook(DOCS.addShoe))
    .put("/shoes/update/:id", (asked) => does.replace(asked), hook(DOCS.updateShoe))
    .put("/shoes/:id", (asked) => does.replace(asked), hook(DOCS.replaceShoe))
    .delete("/shoes/:id", (asked) => does.remove(asked), hook(DOCS.removeShoe))
    .put("/shoes/:id/stock", (asked) => does.setStock(asked), hook(DOCS.setStock))
    .post("/shoes/:id/stock", (asked) => does.addStock(asked), hook(DOCS.addStock))
    .post("/products", (asked) => does.add(asked, "product"), {
      ...DOCS.addProduct,
      who: "admin",
      parse: "none",
    })
    .put("/products/:id", (asked) => does.change(asked), {
      ...DOCS.changeProduct,
      who: "admin",
      parse: "none",
    })
    .delete("/products/:id", (asked) => does.remove(asked), {
      ...DOCS.removeProduct,
      who: "admin",
      parse: "none",
    })
    .post("/categories", (asked) => does.addCategory(asked), {
      ...DOCS.addCategory,
      who: "admin",
      parse: "none",
    });
}

const DONE: StoredAnswer = { status: 204, headers: {}, body: null };

function handlers(services: WriteServices) {
  const { db, shop } = services;
  const answer = (asked: Asked, content: unknown, work: (writing: Writing) => Promise<StoredAnswer>) =>
    answerWrite(services, asked, content, work);
  const withFields = async (
    asked: Asked,
    work: (fields: Fields, shoeId: string) => (writing: Writing) => Promise<StoredAnswer>,
  ) => {
    const shoeId = await idAt(services, asked.params.id ?? "");
    const fields = await readFields(asked.request);
    return answer(asked, fields, work(fields, shoeId));
  };

  return {
    async add(asked: Asked, view: View) {
      const fields = await readFields(asked.request);
      const draft = readNewShoe(fields, view, shop);
      const location = `${new URL(asked.request.url).pathname}/${draft.shoeId}`;
      return answer(asked, fields, (writing) => addShoe(db, draft, view, shop, location, writing));
    },
    replace(asked: Asked) {
      const condition = readCondition(asked.request.headers);
      return withFields(asked, (fields, shoeId) => {
        const change = readReplacement(fields, shoeId, shop);
        return async (writing) => {
          const kept = await changeShoe(db, shoeId, change, "shoe", shop, condition, writing);
          return { ...kept, status: 204 };
        };
      });
    },
    change(asked: Asked) {
      const condition = readCondition(asked.request.headers);
      return withFields(asked, (fields, shoeId) => {
        const change = readPartial(fields, "product", shop);
        return (writing) => changeShoe(db, shoeId, change, "product", shop, condition, writing);
      });
    },
    async remove(asked: Asked) {
      const condition = readCondition(asked.request.headers);
      const shoeId = await idAt(services, asked.params.id ?? "");
      return answer(asked, null, async (writing) => {
        await removeShoe(db, shoeId, condition, writing);
        return DONE;
      });
    },
    setStock(asked: Asked) {
      const condition = readCondition(asked.request.headers);
      return withFields(asked, (fields, shoeId) => {
        const sizes = readStock(fields);
        return (writing) => setStock(db, shoeId, sizes, "shoe", shop, condition, writing);
      });
    },
    addStock(asked: Asked) {
      const condition = readCondition(asked.request.headers);
      return withFields(asked, (fields, shoeId) => {
        const { size, delta } = readDelta(fields);
        return (writing) => addStock(db, shoeId, size, delta, "shoe", shop, condition, writing);
      });
    },
    async addCategory(asked: Asked) {
      const fields = await readFields(asked.request);
      const category = readCategory(fields);
      return answer(asked, fields, (writing) => addCategory(db, category, writing));
    },
  };
}
