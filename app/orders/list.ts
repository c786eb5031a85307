// Lists of orders, newest first, and the history of one.
import type { Readable, Value } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import { timeSql } from "../../db/sql.ts";
import type { Caller } from "../http/caller.ts";
import { checkEmail, emailKey } from "../http/credentials.ts";
import { decodeNumber } from "../http/cursor.ts";
import { offsetOf, type Page, readPageOf } from "../http/paging.ts";
import { type QueryParameters, readParameters } from "../http/parameters.ts";
import { Problem } from "../http/problems.ts";
import { STATUSES } from "./steps.ts";
import { itemsJson, orderJson } from "./view.ts";

/** The filter of a list: a condition over `o`, and its values. */
export type Selection = { where: string; args: Value[] };

/** The query of a list. */
export type Listing = { page: Page; selection: Selection };

const NUMBER_MAX = Number.MAX_SAFE_INTEGER;
const FOR_ADMINS = ["email", "number", "all"];
const ME = "me";

/**
 * Reads the part of the list that a caller asks for: without a filter of admins the caller's own orders. Throws the `Problem`
 * 400 that names every bad parameter, and 403 for a filter that only admins may use.
 */
export function readListing(params: URLSearchParams, caller: Caller): Listing {
  const parameters = readParameters(params);
  const page = readPageOf(parameters, decodeNumber);
  const given = readFilters(parameters);
  parameters.check();
  const isAdmin = caller.role === "admin";
  const userId = given.userId === ME ? caller.userId : given.userId;
  if (!isAdmin) {
    const refused = [...FOR_ADMINS, "userId"].find(
      (name) => params.has(name) && !(name === "userId" && userId === caller.userId),
    );
    if (refused)
      throw new Problem("forbidden", `only admins may use ${refused}`, [
        { parameter: refused, detail: "may only be used by admins" },
      ]);
  }
  const isWide = given.all || given.email !== null || given.number !== null;
  const owner = userId ?? (isWide ? null : caller.userId);
  if (owner === caller.userId && caller.kind === "key")
    throw new Problem("forbidden", "a key has no orders of its own: use all, userId, email or number");
  return { page, selection: selectionOf({ ...given, userId: owner }) };
}

type Filters = {
  userId: string | null;
  email: string | null;
  number: number | null;
  all: boolean;
  status: string | null;
};

function readFilters(parameters: QueryParameters): Filters {
  const email = parameters.one("email");
  // The orders of removed accounts have no address, and an empty one must not find them.
  const broken = email === null ? null : checkEmail(email);
  if (broken !== null) parameters.refuse("email", broken);
  return {
    userId: parameters.one("userId"),
    email,
    number: parameters.whole("number", NUMBER_MAX),
    all: parameters.flag("all"),
    status: parameters.choice("status", STATUSES),
  };
}

/** The narrowest filter is looked up in its index; the others are checked on what it finds. */
function selectionOf({ userId, email, number, status }: Filters): Selection {
  const found: [name: string, value: Value | null][] = [
    ["number", number],
    ["user_id", userId],
    ["email_key", email === null ? null : emailKey(email)],
    ["status", status],
  ];
  const used = found.flatMap(([name, value]): [string, Value][] => (value === null ? [] : [[name, value]]));
  return {
    where: used.map(([name], index) => ` AND ${index === 0 ? "" : "+"}o.${name} = ?`).join(""),
    args: used.map(([, value]) => value),
  };
}

/** The newest orders first, one more than the page takes. */
export const listOrders = (
  snapshot: Readable,
  { page, selection }: Listing,
): { seq: number; item: unknown }[] =>
  snapshot.read
    .all<[number, string]>(
      `SELECT o.number, ${orderJson("o")} FROM orders AS o WHERE o.number < ?${selection.where}
ORDER BY o.number DESC LIMIT ? OFFSET ?`,
      page.position ?? NUMBER_MAX,
      ...selection.args,
      page.limit + 1,
      offsetOf(page),
    )
    .map(([number, json]) => ({ seq: number, item: JSON.parse(json) }));

/** The number of orders; counts at most `max`. */
export const countOrders = (snapshot: Readable, { selection }: Listing, max: number): number =>
  must(
    snapshot.read.get<[number]>(
      `SELECT count(*) FROM (SELECT 1 FROM orders AS o WHERE true${selection.where} LIMIT ?)`,
      ...selection.args,
      max,
    ),
    "a count",
  )[0];

/** The lines of an order as JSON, and how many. */
export const itemsOf = (snapshot: Readable, orderId: string): [json: string, count: number] =>
  must(
    snapshot.read.get<[string, number]>(
      `SELECT ${itemsJson("o")}, (SELECT count(*) FROM order_lines WHERE number = o.number) FROM orders AS o WHERE id = ?`,
      orderId,
    ),
    "the lines of an order",
  );

/** The history of an order as JSON, oldest first, and how many entries it has. */
export const historyOf = (snapshot: Readable, orderId: string): [json: string, count: number] =>
  must(
    snapshot.read.get<[string, number]>(
      `SELECT json_group_array(json_object('status', status, 'changedBy', changed_by, 'at', ${timeSql("at")})), count(*)
FROM (SELECT * FROM order_history WHERE number = (SELECT number FROM orders WHERE id = ?) ORDER BY position)`,
      orderId,
    ),
    "the history of an order",
  );
