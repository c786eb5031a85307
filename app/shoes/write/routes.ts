// Writes to the catalogue over HTTP: read the body, write, answer with the item.
import { Elysia } from "elysia";
import { type Fields, readFields } from "../../http/body.ts";
import { facts } from "../../http/routing.ts";
import type { Shop } from "../../http/shop.ts";
import {
  answerWrite,
  guardOf,
  type RequestContext,
  type Write,
  type WriteServices,
} from "../../http/write.ts";
import { NO_CONTENT, type StoredAnswer } from "../../http/write-answer.ts";
import type { Identity } from "../../identity/identity.ts";
import { identityPlugin } from "../../identity/plugin.ts";
import { shoeIdAt } from "../find.ts";
import type { View } from "../views.ts";
import { readNewShoe, readPartial, readReplacement } from "./draft.ts";
import { WRITE_DOCS as DOCS, NewCategory, Stock, StockDelta } from "./model.ts";
import { addCategory, addShoe, type Catalogue, changeShoe, removeShoe } from "./shoes.ts";
import { addStock, setStock } from "./stock.ts";

/** The services of the routes that write to the catalogue. */
export type CatalogueWriteServices = WriteServices & { catalogue: Catalogue; shop: Shop; identity: Identity };

/** The routes below `/api` and `/v1`. */
export function catalogueWriteRoutes(services: CatalogueWriteServices) {
  const counted = { ...facts({ counts: "request" }), parse: "none" as const };
  const openable = <D extends object>(docs: D) => ({ ...docs, ...guardOf(services, "admin"), ...counted });
  const adminOnly = <D extends object>(docs: D) => ({ ...docs, ...counted, who: "admin" as const });
  const does = handlers(services);
  return new Elysia({ name: "catalogue-writes" })
    .use(identityPlugin(services.identity))
    .post("/shoes", (context) => does.add(context, "shoe"), openable(DOCS.addShoe))
    .put("/shoes/update/:id", (context) => does.replace(context), openable(DOCS.updateShoe))
    .put("/shoes/:id", (context) => does.replace(context), openable(DOCS.replaceShoe))
    .delete("/shoes/:id", (context) => does.remove(context), openable(DOCS.removeShoe))
    .put("/shoes/:id/stock", (context) => does.setStock(context), openable(DOCS.setStock))
    .post("/shoes/:id/stock", (context) => does.addStock(context), openable(DOCS.addStock))
    .post("/products", (context) => does.add(context, "product"), adminOnly(DOCS.addProduct))
    .put("/products/:id", (context) => does.change(context), adminOnly(DOCS.changeProduct))
    .delete("/products/:id", (context) => does.remove(context), adminOnly(DOCS.removeProduct))
    .post("/categories", (context) => does.addCategory(context), adminOnly(DOCS.addCategory));
}

function handlers(services: CatalogueWriteServices) {
  const { db, shop, catalogue } = services;
  /** Finds the shoe at the address, reads the body, and runs the write that `plan` returns. */
  const toShoe = async (
    context: RequestContext,
    plan: (fields: Fields, shoeId: string) => (write: Write) => Promise<StoredAnswer>,
  ) => {
    const shoeId = await shoeIdAt(db, context.params.id ?? "");
    const fields = await readFields(context.request);
    return answerWrite(services, context, fields, plan(fields, shoeId));
  };

  return {
    async add(context: RequestContext, view: View) {
      const fields = await readFields(context.request);
      const draft = readNewShoe(fields, view, shop);
      return answerWrite(services, context, fields, (write) =>
        addShoe(catalogue, { ...write, view, shop }, draft),
      );
    },
    replace(context: RequestContext) {
      return toShoe(context, (fields, shoeId) => {
        const change = readReplacement(fields, shoeId, shop);
        return async (write) => {
          const answer = await changeShoe(catalogue, { ...write, view: "shoe", shop }, shoeId, change);
          return { ...answer, status: 204 };
        };
      });
    },
    change(context: RequestContext) {
      return toShoe(context, (fields, shoeId) => {
        const change = readPartial(fields, shop);
        return (write) => changeShoe(catalogue, { ...write, view: "product", shop }, shoeId, change);
      });
    },
    async remove(context: RequestContext) {
      const shoeId = await shoeIdAt(db, context.params.id ?? "");
      return answerWrite(services, context, null, async (write) => {
        await removeShoe(db, write, shoeId);
        return NO_CONTENT;
      });
    },
    setStock(context: RequestContext) {
      return toShoe(context, (fields, shoeId) => {
        const { sizes } = Stock.read(fields);
        return (write) => setStock(db, { ...write, view: "shoe", shop }, shoeId, sizes);
      });
    },
    addStock(context: RequestContext) {
      return toShoe(context, (fields, shoeId) => {
        const change = StockDelta.read(fields);
        return (write) => addStock(db, { ...write, view: "shoe", shop }, shoeId, change);
      });
    },
    async addCategory(context: RequestContext) {
      const fields = await readFields(context.request);
      const category = NewCategory.read(fields);
      return answerWrite(services, context, fields, (write) => addCategory(db, write, category));
    },
  };
}
