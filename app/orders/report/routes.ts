// The sales report over HTTP, as JSON or CSV.
import { Elysia } from "elysia";
import type { Database, Readable } from "../../../db/database.ts";
import { DatabaseError } from "../../../db/errors.ts";
import { openRequesters, type Requesters } from "../../../db/read/requesters.ts";
import { openTurns, type Turns } from "../../../db/read/turns.ts";
import { readParameters } from "../../http/parameters.ts";
import { facts } from "../../http/routing.ts";
import type { Identity } from "../../identity/identity.ts";
import { identityPlugin } from "../../identity/plugin.ts";
import { blockOf } from "../../limits/address.ts";
import type { Clients } from "../../limits/client.ts";
import { preferredOf } from "./accept.ts";
import { csvOf, jsonOf } from "./formats.ts";
import { DOCS } from "./model.ts";
import { type Period, readPeriod } from "./period.ts";
import { type SalesReport, salesOf } from "./sales.ts";

/** The services of the routes of reports. */
export type ReportServices = {
  db: Database;
  identity: Identity;
  clients: Pick<Clients, "of">;
  turns: { wide: Turns };
  shop: { currency: string };
  /** The zone whose days reports count by (IANA). */
  reportTimezone: string;
  now(): number;
};

const PRIVATE = { "cache-control": "private, no-store", vary: "Accept" };
const FORMATS = ["application/json", "text/csv"] as const;

/** One report at a time, so that lists always have a turn at the read worker. */
const REPORT_TURNS = { runningMax: 1, waitingMax: 20 };
/** Bound of a report's wait for its turn; then 503. */
const WAIT_MS_MAX = 5_000;

/** The routes below `/api` and `/v1`. */
export function reportRoutes(services: ReportServices) {
  const read = reader(services);
  return new Elysia({ name: "reports" })
    .use(identityPlugin(services.identity))
    .get("/reports/sales", async ({ request }) => respond(request, await read(request)), {
      ...DOCS.getSales,
      ...facts({ counts: "request" }),
      who: "admin",
    });
}

/** Reads the report of a request: from the local copy, which on a node is the replica. */
function reader(services: ReportServices) {
  const reports = openTurns(REPORT_TURNS);
  return async (request: Request): Promise<SalesReport> => {
    const { db, turns, clients, shop, reportTimezone: timezone, now } = services;
    const query = readParameters(new URL(request.url).searchParams);
    const period = readPeriod(query, now(), timezone);
    const waiting = ({ now }: Turns): Requesters => {
      const requesters = openRequesters();
      const client = blockOf(clients.of(request).address);
      void requesters.add({ client, signal: request.signal, untilMs: now() + WAIT_MS_MAX });
      return requesters;
    };
    const work = (inTurn: Readable) =>
      salesOf(whileThere(inTurn, request), period, { timezone, currency: shop.currency });
    return reports.run(waiting(reports), () => turns.wide.runReads(waiting(turns.wide), db, work));
  };
}

/** The queries of a database until the client has gone; a year is many of them. */
const whileThere =
  ({ scan }: Readable, { signal }: Request): Readable["scan"] =>
  (queries) =>
    signal.aborted ? Promise.reject(new DatabaseError("abandoned", "the client has gone")) : scan(queries);

function respond(request: Request, report: SalesReport): Response {
  if (preferredOf(request.headers.get("accept"), FORMATS) === "application/json")
    return new Response(JSON.stringify({ success: true, data: jsonOf(report) }), {
      headers: { ...PRIVATE, "content-type": "application/json; charset=utf-8" },
    });
  return new Response(csvOf(report), {
    headers: {
      ...PRIVATE,
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": `attachment; filename="${fileName(report)}"`,
    },
  });
}

const fileName = ({ from, to }: Period): string => `sales_${from}_${to}.csv`;
