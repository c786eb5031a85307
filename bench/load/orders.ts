// Orders of guests: what they are sent as, a stock that never runs out, and the settings of a shop that takes any number.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Libsql from "libsql";
import type { Statement } from "../../db/database.ts";
import { bulk } from "../../db/sql.ts";
import { randomFrom } from "../harness/stats.ts";
import type { Load } from "./oha.ts";
import { ADMIN_SETTINGS } from "./people.ts";

export const LINES = 2;
/** As many as a size may have. */
const STOCK = 1_000_000;
const BODIES = 20_000;
const FILE = "orders.bodies";

/** Settings of a shop with an admin, the sandbox gateway and no limits. */
export const ORDER_SETTINGS = {
  ...ADMIN_SETTINGS,
  PAYMENT_GATEWAY: "sandbox",
  OPEN_ORDERS_MAX: "0",
  OPEN_ORDERS_ADDRESS_MAX: "0",
};

/** The path of new orders. */
export const ORDERS_PATH = "/api/orders";

/** Gives every size more pairs than a bench orders. */
export const STOCK_UP: readonly Statement[] = bulk([{ sql: "UPDATE sizes SET stock = ?", args: [STOCK] }]);

/** A size of a shoe, by the ids of the API. */
export type ShoeSize = { shoeId: string; size: string };

/** Fills the stock of the shop with this file, before it starts, and returns its sizes. */
export function stockUp(filePath: string): ShoeSize[] {
  const handle = new Libsql(filePath, { timeout: 5_000 });
  try {
    for (const { sql, args = [] } of STOCK_UP) handle.prepare(sql).run(args);
    return readSizes(handle);
  } finally {
    handle.close();
  }
}

function readSizes(handle: Libsql.Database): ShoeSize[] {
  const rows = handle
    .prepare(
      "SELECT s.shoe_id, z.size FROM sizes AS z JOIN shoes AS s ON s.id = z.shoe ORDER BY z.shoe, z.position",
    )
    .raw(true)
    .all([]);
  return (rows as [string, string][]).map(([shoeId, size]) => ({ shoeId, size }));
}

/** The sizes in a file without a writer. */
export function sizesIn(filePath: string): ShoeSize[] {
  const handle = new Libsql(filePath, { readonly: true });
  try {
    return readSizes(handle);
  } finally {
    handle.close();
  }
}

/** An order of two random sizes, each by another guest, as JSON. */
export function orderBodies(sizes: readonly ShoeSize[], count: number, seed: number): string[] {
  const random = randomFrom(seed);
  const item = () => {
    const { shoeId = "", size = "" } = sizes[Math.floor(random() * sizes.length)] ?? {};
    return { productId: shoeId, quantity: 1, ...(size === "" ? {} : { size }) };
  };
  return Array.from({ length: count }, (_, at) =>
    JSON.stringify({
      items: Array.from({ length: LINES }, item),
      email: `guest-${at}@shop.example`,
      shippingAddress: {
        name: "A Guest",
        street: "12 Long Street",
        city: "Berlin",
        zip: "10115",
        country: "DE",
      },
    }),
  );
}

/** Writes a file of orders, from which oha picks at random, and returns its path. */
export function writeOrders(folder: string, sizes: readonly ShoeSize[], seed: number): string {
  const path = join(folder, FILE);
  writeFileSync(path, `${orderBodies(sizes, BODIES, seed).join("\n")}\n`);
  return path;
}

/** Whether a load sends such a file. */
export const isOrders = ({ post }: Pick<Load, "post">): boolean => post?.bodiesPath?.endsWith(FILE) ?? false;
