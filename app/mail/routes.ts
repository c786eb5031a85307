// The outbox over HTTP, for admins: its list, and the release of a parked mail.
import { Elysia } from "elysia";
import type { Database } from "../../db/database.ts";
import type { Caller } from "../http/caller.ts";
import type { Idempotency } from "../http/idempotency.ts";
import { pageBody } from "../http/paging.ts";
import { facts } from "../http/routing.ts";
import { plainWrite } from "../http/write.ts";
import { respondWrite } from "../http/write-answer.ts";
import type { Identity } from "../identity/identity.ts";
import { identityPlugin } from "../identity/plugin.ts";
import { DOCS } from "./model.ts";
import { countMails, listMails, mailJson, readMailListing, releaseMail } from "./queue.ts";

/** The services of the routes of the outbox. */
export type OutboxServices = {
  db: Database;
  identity: Identity;
  idempotency: Idempotency;
  itemSeed: bigint;
  now(): number;
};

const HEADERS = { "cache-control": "private, no-store", "content-type": "application/json; charset=utf-8" };
const counted = facts({ counts: "request" });

/** The routes below `/api` and `/v1`. */
export function outboxRoutes(services: OutboxServices) {
  const { db, identity } = services;
  const release = releasing(services);
  return new Elysia({ name: "outbox" })
    .use(identityPlugin(identity))
    .get(
      "/outbox",
      async ({ request }) => {
        const listing = readMailListing(new URL(request.url).searchParams);
        const body = await db.onPrimary((snapshot) =>
          pageBody(listing.page, listMails(snapshot, listing), countMails(snapshot, listing)),
        );
        return new Response(JSON.stringify(body), { headers: HEADERS });
      },
      { ...DOCS.listOutbox, ...counted, who: "admin" },
    )
    .post("/outbox/:id/release", ({ request, params, caller }) => release(request, params.id, caller), {
      ...DOCS.releaseMail,
      ...counted,
      who: "admin",
      parse: "none",
    });
}

/** Releases a mail once per Idempotency-Key, and answers with the mail as it stands. */
function releasing({ db, idempotency, itemSeed, now }: OutboxServices) {
  return async (request: Request, mailId: string, caller: Caller): Promise<Response> => {
    const { answer, isReplay } = await idempotency.once(request, caller.userId, null, (storeAnswer) =>
      releaseMail(db, { ...plainWrite(caller, now()), storeAnswer }, mailId),
    );
    const json = answer.body ?? (await mailJson(db, mailId));
    const stored = { status: 200, headers: {}, body: `{"success":true,"data":${json}}` };
    return respondWrite(stored, isReplay ? [["idempotent-replayed", "true"]] : [], itemSeed);
  };
}
