// Likes over HTTP; the address of a like is the like, so most requests have no body.
import { Elysia } from "elysia";
import { readFields } from "../body.ts";
import { answerStatement, readAnswer } from "../idempotency.ts";
import { identityPlugin } from "../identity/plugin.ts";
import { readPage } from "../paging.ts";
import { Problem } from "../problems.ts";
import { readShoeIds } from "./body.ts";
import { isShoeId } from "./draft.ts";
import type { Liked } from "./like-queue.ts";
import { isUserKnown, likeOnce, likesRecipe, listLikes, mergeStatements } from "./likes.ts";
import { findIdOfSlug } from "./shoes.ts";
import { respondWrite } from "./write-answer.ts";
import { WRITE_DOCS as DOCS } from "./write-model.ts";
import { type Asked, answerWrite, guardOf, idAt, type WriteServices } from "./write-routes.ts";

const MERGE_MAX = 200;
const MERGED_SHOWN = 100;
/** Ids are short: a whole heart list goes into one answer. */
const IDS_LIMIT = 1_000;
const USER_ID_MAX = 64;
const JSON_TYPE = "application/json; charset=utf-8";
const PRIVATE = "private, no-store";

/** A handler's request with the user whom its path names; without a guard the path is taken at its word. */
type AskedOf = Asked & { target?: string };

/** The routes below `/api` and `/v1`. */
export function likeRoutes(services: WriteServices) {
  const does = handlers(services);
  const self = guardOf(services, "self");
  const app = new Elysia({ name: "likes" })
    .use(identityPlugin(services.identity))
    .post("/shoes/:id/likes/:userid", (asked) => does.like(asked), { ...DOCS.like, ...self, parse: "none" })
    .delete("/shoes/:id/likes/:userid", (asked) => does.unlike(asked), {
      ...DOCS.unlike,
      ...self,
      parse: "none",
    })
    .get("/users/:id/likes", (asked) => does.list(asked), { ...DOCS.listLikes, ...self })
    .post("/users/:id/likes", (asked) => does.merge(asked), { ...DOCS.mergeLikes, ...self, parse: "none" });
  return services.openWrites
    ? app.post("/shoes/likes", ({ request }) => does.likeNamed(request), { ...DOCS.likeNamed, parse: "none" })
    : app;
}

/** The user of a path. Throws the `Problem` 404 for an account that is not there. */
function userOf({ db, openWrites }: WriteServices, { target, params, caller }: AskedOf): string {
  const userId = target ?? params.userid ?? params.id ?? "";
  if (openWrites) return checkedUserId(userId);
  if (caller?.userId !== userId && !isUserKnown(db, userId))
    throw new Problem("not-found", "there is no such account");
  return userId;
}

const handlers = (services: WriteServices) => ({ ...oneLike(services), ...listOfLikes(services) });

function oneLike(services: WriteServices) {
  const { db, likes, versions, openWrites } = services;

  const respondLike = (shoeId: string, userId: string, { likes: count, created }: Liked): Response => {
    const names = `"shoeId":${JSON.stringify(shoeId)},"userId":${JSON.stringify(userId)}`;
    return new Response(`{"success":true,"data":{${names},"likes":${count},"created":${created}}}`, {
      status: 201,
      headers: [["content-type", JSON_TYPE], ["cache-control", PRIVATE], ...versions.headers()],
    });
  };

  const like = async (address: string, userId: string): Promise<Response> => {
    const shoeId = isShoeId(address) ? address : idAt(services, address);
    const liked = await likes.like(shoeId, userId);
    if (liked) return respondLike(shoeId, userId, liked);
    // It is none: then it may be a slug.
    const other = findIdOfSlug(db, address);
    const second = other === null ? null : await likes.like(other, userId);
    if (!second || other === null) throw new Problem("not-found", "there is no such shoe");
    return respondLike(other, userId, second);
  };

  const likeKept = (asked: AskedOf, userId: string): Promise<Response> => {
    const shoeId = idAt(services, asked.params.id ?? "");
    return answerWrite(services, asked, null, async ({ keep, nowMs }) => {
      const { recipe, statements } = likeOnce(shoeId, userId, nowMs, openWrites);
      // Told before the effect, which it counts in.
      const results = await db.write(
        [answerStatement(recipe), ...keep(recipe), ...statements],
        crypto.randomUUID(),
      );
      const answer = readAnswer(recipe, results[0]?.rows);
      if (!answer) throw new Problem("not-found", "there is no such shoe");
      return answer;
    });
  };

  return {
    like(asked: AskedOf): Promise<Response> {
      const userId = userOf(services, asked);
      const hasKey = asked.caller !== undefined && asked.request.headers.has("idempotency-key");
      return hasKey ? likeKept(asked, userId) : like(asked.params.id ?? "", userId);
    },
    async likeNamed(request: Request): Promise<Response> {
      const { id, userid } = await readFields(request);
      if (typeof id !== "string" && typeof id !== "number") throw missing("/id");
      if (typeof userid !== "string" && typeof userid !== "number") throw missing("/userid");
      return like(String(id), checkedUserId(String(userid)));
    },
    async unlike(asked: AskedOf): Promise<Response> {
      const userId = userOf(services, asked);
      await likes.unlike(idAt(services, asked.params.id ?? ""), userId);
      return respondWrite({ status: 204, headers: {}, body: null }, versions.headers());
    },
  };
}

function listOfLikes(services: WriteServices) {
  const { db, openWrites, shop } = services;
  return {
    list(asked: AskedOf): Response {
      const params = new URL(asked.request.url).searchParams;
      const idsOnly = params.get("ids") === "true";
      const page = readPage(params);
      const limit = idsOnly && !params.has("limit") ? IDS_LIMIT : page.limit;
      const offset = page.page === null ? 0 : (page.page - 1) * limit;
      const body = listLikes(db, userOf(services, asked), { ...page, limit, offset }, idsOnly, shop);
      return new Response(body, { headers: { "content-type": JSON_TYPE, "cache-control": PRIVATE } });
    },
    async merge(asked: AskedOf): Promise<Response> {
      const userId = userOf(services, asked);
      const fields = await readFields(asked.request);
      const shoeIds = readShoeIds(fields, MERGE_MAX);
      const recipe = likesRecipe(userId, MERGED_SHOWN, shop);
      return answerWrite(services, asked, fields, async ({ keep, nowMs }) => {
        const effect = mergeStatements(userId, shoeIds, nowMs, openWrites);
        const results = await db.write(
          [...effect, ...keep(recipe), answerStatement(recipe)],
          crypto.randomUUID(),
        );
        const answer = readAnswer(recipe, results.at(-1)?.rows);
        if (!answer) throw new Problem("not-found", "there is no such account");
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

const missing = (pointer: string) =>
  new Problem("invalid-request", `${pointer.slice(1)} is missing`, [{ pointer, detail: "is missing" }]);
