// Likes over HTTP; the address of a like is the like, so most requests have no body.
import { Elysia } from "elysia";
import { readFields } from "../http/body.ts";
import { LIMIT_DEFAULT, readPage } from "../http/paging.ts";
import { Problem } from "../http/problems.ts";
import type { Shop } from "../http/shop.ts";
import { answerWrite, guardOf, type RequestContext, type WriteServices } from "../http/write.ts";
import { NO_CONTENT, respondWrite } from "../http/write-answer.ts";
import type { Identity } from "../identity/identity.ts";
import { identityPlugin } from "../identity/plugin.ts";
import { findIdOfSlug, noShoe, shoeIdAt } from "../shoes/shoes.ts";
import { readShoeIds } from "../shoes/write/body.ts";
import { isShoeId } from "../shoes/write/draft.ts";
import { WRITE_DOCS as DOCS } from "../shoes/write/model.ts";
import { isUserKnown, type Likes, likeOnce, listLikes, mergeLikes } from "./likes.ts";
import type { Liked, Verb } from "./queue.ts";

/** What the routes of likes need. */
export type LikeServices = WriteServices & { likes: Likes; shop: Shop; identity: Identity };

const MERGE_MAX = 200;
/** Ids are short: one answer holds a whole list. */
const IDS_LIMIT = 1_000;
const USER_ID_MAX = 64;
const JSON_TYPE = "application/json; charset=utf-8";
const PRIVATE = "private, no-store";

/** A request with the user whom its path names; where writes are open, that user may be without an account. */
type LikeContext = RequestContext & { target?: string };

/** The routes below `/api` and `/v1`. */
export function likeRoutes(services: LikeServices) {
  const does = handlers(services);
  const self = guardOf(services, "self");
  const app = new Elysia({ name: "likes" })
    .use(identityPlugin(services.identity))
    .post("/shoes/:id/likes/:userid", (context) => does.like(context), {
      ...DOCS.like,
      ...self,
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
      ...self,
      parse: "none",
    });
  return services.openWrites
    ? app.post("/shoes/likes", ({ request }) => does.likeNamed(request), { ...DOCS.likeNamed, parse: "none" })
    : app;
}

/** The id of the user whom a path names. */
function userIdOf({ openWrites }: LikeServices, { target, params }: LikeContext): string {
  const userId = target ?? params.userid ?? params.id ?? "";
  return openWrites ? checkedUserId(userId) : userId;
}

/** Throws the `Problem` 404 for an account that does not exist; the caller of a token has one. */
async function refuseUnknown(
  { db, openWrites }: LikeServices,
  { caller }: LikeContext,
  userId: string,
): Promise<void> {
  if (openWrites || caller?.userId === userId) return;
  if (!(await db.onPrimary((at) => isUserKnown(at, userId)))) throw noAccount();
}

/** The user of a path, who has an account. */
async function userOf(services: LikeServices, context: LikeContext): Promise<string> {
  const userId = userIdOf(services, context);
  await refuseUnknown(services, context, userId);
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
    // No shoe has this id: then the address may be a slug.
    const other = await db.onPrimary((at) => findIdOfSlug(at, address));
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
      // No like is added for an account that does not exist: it is looked up only where none was.
      if (!liked.created) await refuseUnknown(services, context, userId);
      return respondLike(shoeId, userId, liked);
    },
    async likeNamed(request: Request): Promise<Response> {
      const { id, userid } = await readFields(request);
      if (typeof id !== "string" && typeof id !== "number") throw missing("/id");
      if (typeof userid !== "string" && typeof userid !== "number") throw missing("/userid");
      const userId = checkedUserId(String(userid));
      const { shoeId, liked } = await queued("like", String(id), userId);
      return respondLike(shoeId, userId, liked);
    },
    async unlike(context: LikeContext): Promise<Response> {
      const userId = await userOf(services, context);
      await queued("unlike", context.params.id ?? "", userId);
      return respondWrite(NO_CONTENT, versions.headers());
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
      const body = await db.onPrimary((at) => listLikes(at, userId, page, { idsOnly, shop }));
      return new Response(body, { headers: { "content-type": JSON_TYPE, "cache-control": PRIVATE } });
    },
    async merge(context: LikeContext): Promise<Response> {
      const userId = await userOf(services, context);
      const fields = await readFields(context.request);
      const shoeIds = readShoeIds(fields, MERGE_MAX);
      return answerWrite(services, context, fields, async (write) => {
        const answer = await mergeLikes(db, write, { userId, shoeIds, isOpen: openWrites, shop });
        if (!answer) throw noAccount();
        return answer;
      });
    },
  };
}

function checkedUserId(userId: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  const isGood = userId.length >= 1 && userId.length <= USER_ID_MAX && !/[\u0000-\u001f]/.test(userId);
  if (!isGood || !userId.isWellFormed())
    throw new Problem("invalid-request", `userid must have 1 to ${USER_ID_MAX} characters`);
  return userId;
}

const noAccount = () => new Problem("not-found", "there is no such account");
const missing = (pointer: string) =>
  new Problem("invalid-request", `${pointer.slice(1)} is missing`, [{ pointer, detail: "is missing" }]);
