// Likes over HTTP; the address names the shoe and the user, so most requests have no body.
import { Elysia } from "elysia";
import { readFields } from "../http/body.ts";
import { brokenRuleOf } from "../http/fields.ts";
import { LIMIT_DEFAULT, readPage } from "../http/paging.ts";
import { Problem } from "../http/problems.ts";
import { facts } from "../http/routing.ts";
import type { Shop } from "../http/shop.ts";
import { answerWrite, guardOf, type RequestContext, type WriteServices } from "../http/write.ts";
import { NO_CONTENT, respondWrite } from "../http/write-answer.ts";
import type { Identity } from "../identity/identity.ts";
import { identityPlugin } from "../identity/plugin.ts";
import { findIdOfSlug, isShoeId, noShoe, shoeIdAt } from "../shoes/shoes.ts";
import { isUserKnown, type Likes, likeOnce, listLikes, mergeLikes } from "./likes.ts";
import { DOCS, GuestLikes, NamedLike, USER_ID } from "./model.ts";
import type { Liked, Verb } from "./queue.ts";

/** The services of the routes of likes. */
export type LikeServices = WriteServices & { likes: Likes; shop: Shop; identity: Identity };

/** Ids are short, so one answer can have a whole list. */
const IDS_LIMIT = 1_000;
const JSON_TYPE = "application/json; charset=utf-8";
const PRIVATE = "private, no-store";

/** A request with the user id in its path; no `target` where writes are open, and then the user needs no account. */
type LikeContext = RequestContext & { target?: string };

/** The routes below `/api` and `/v1`. */
export function likeRoutes(services: LikeServices) {
  const does = handlers(services);
  const self = { ...guardOf(services, "self"), ...facts({ counts: "request" }) };
  const liking = { ...guardOf(services, "self"), ...facts({ counts: "request", event: "like" }) };
  const app = new Elysia({ name: "likes" })
    .use(identityPlugin(services.identity))
    .post("/shoes/:id/likes/:userid", (context) => does.like(context), {
      ...DOCS.like,
      ...liking,
      parse: "none",
    })
    .delete("/shoes/:id/likes/:userid", (context) => does.unlike(context), {
      ...DOCS.unlike,
      ...self,
      parse: "none",
    })
    .get("/users/:id/likes", (context) => does.list(context), { ...DOCS.listLikes, ...self })
    .post("/users/:id/likes", (context) => does.merge(context), {
      ...DOCS.mergeLikes,
      ...liking,
      parse: "none",
    });
  return services.openWrites
    ? app.post("/shoes/likes", ({ request }) => does.likeNamed(request), {
        ...DOCS.likeNamed,
        ...guardOf(services, "self"),
        ...facts({ counts: "request", event: "like" }),
        parse: "none",
      })
    : app;
}

/** The user id in a path. */
function userIdOf({ openWrites }: LikeServices, { target, params }: LikeContext): string {
  const userId = target ?? params.userid ?? params.id ?? "";
  return openWrites ? checkedUserId(userId) : userId;
}

/** Throws the `Problem` 404 for an account that does not exist; the caller's own account needs no query. */
async function refuseUnknownUser(
  { db, openWrites }: LikeServices,
  { caller }: LikeContext,
  userId: string,
): Promise<void> {
  if (openWrites || caller?.userId === userId) return;
  if (!(await db.onPrimary((snapshot) => isUserKnown(snapshot, userId)))) throw noAccount();
}

/** The user id in a path. Throws the `Problem` 404 when it has no account. */
async function userOf(services: LikeServices, context: LikeContext): Promise<string> {
  const userId = userIdOf(services, context);
  await refuseUnknownUser(services, context, userId);
  return userId;
}

const handlers = (services: LikeServices) => ({ ...oneLike(services), ...listOfLikes(services) });

function oneLike(services: LikeServices) {
  const { db, likes, versions, openWrites } = services;

  const respondLike = (shoeId: string, userId: string, { likes: count, created }: Liked): Response => {
    const names = `"shoeId":${JSON.stringify(shoeId)},"userId":${JSON.stringify(userId)}`;
    return new Response(`{"success":true,"data":{${names},"likes":${count},"created":${created}}}`, {
      status: 201,
      headers: [["content-type", JSON_TYPE], ["cache-control", PRIVATE], ...versions.headers()],
    });
  };

  const queued = async (
    verb: Verb,
    address: string,
    userId: string,
  ): Promise<{ shoeId: string; liked: Liked }> => {
    const shoeId = isShoeId(address) ? address : await shoeIdAt(db, address);
    const liked = await likes[verb](shoeId, userId);
    if (liked) return { shoeId, liked };
    // No shoe has this id, so the address may be a slug.
    const other = await db.onPrimary((snapshot) => findIdOfSlug(snapshot, address));
    const second = other === null ? null : await likes[verb](other, userId);
    if (!second || other === null) throw noShoe();
    return { shoeId: other, liked: second };
  };

  const withKey = async (context: LikeContext, userId: string): Promise<Response> => {
    const shoeId = await shoeIdAt(db, context.params.id ?? "");
    return answerWrite(services, context, null, async (write) => {
      const answer = await likeOnce(db, write, { shoeId, userId, isOpen: openWrites });
      if (!answer) throw noShoe();
      return answer;
    });
  };

  return {
    async like(context: LikeContext): Promise<Response> {
      const hasKey = context.caller !== undefined && context.request.headers.has("idempotency-key");
      if (hasKey) return withKey(context, await userOf(services, context));
      const userId = userIdOf(services, context);
      const { shoeId, liked } = await queued("like", context.params.id ?? "", userId);
      // The statement adds no like for an account that does not exist, so only an existing like needs the look-up.
      if (!liked.created) await refuseUnknownUser(services, context, userId);
      return respondLike(shoeId, userId, liked);
    },
    async likeNamed(request: Request): Promise<Response> {
      const { id, userid } = NamedLike.read(await readFields(request));
      const { shoeId, liked } = await queued("like", id, userid);
      return respondLike(shoeId, userid, liked);
    },
    async unlike(context: LikeContext): Promise<Response> {
      const userId = await userOf(services, context);
      await queued("unlike", context.params.id ?? "", userId);
      return respondWrite(NO_CONTENT, versions.headers(), services.itemSeed);
    },
  };
}

function listOfLikes(services: LikeServices) {
  const { db, openWrites, shop } = services;
  return {
    async list(context: LikeContext): Promise<Response> {
      const params = new URL(context.request.url).searchParams;
      const idsOnly = params.get("ids") === "true";
      const page = readPage(params, idsOnly ? IDS_LIMIT : LIMIT_DEFAULT);
      const userId = await userOf(services, context);
      const body = await db.onPrimary((snapshot) => listLikes(snapshot, userId, page, { idsOnly, shop }));
      return new Response(body, { headers: { "content-type": JSON_TYPE, "cache-control": PRIVATE } });
    },
    async merge(context: LikeContext): Promise<Response> {
      const userId = await userOf(services, context);
      const fields = await readFields(context.request);
      const { shoeIds } = GuestLikes.read(fields);
      return answerWrite(services, context, fields, async (write) => {
        const answer = await mergeLikes(db, write, { userId, shoeIds, isOpen: openWrites, shop });
        if (!answer) throw noAccount();
        return answer;
      });
    },
  };
}

function checkedUserId(userId: string): string {
  const complaint = brokenRuleOf(USER_ID, userId);
  if (complaint !== null) throw new Problem("invalid-request", `userid ${complaint}`);
  return userId;
}

const noAccount = () => new Problem("not-found", "there is no such account");
