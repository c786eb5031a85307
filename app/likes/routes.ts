// Likes over HTTP; the address of a like is the like, so most requests have no body.
import { Elysia } from "elysia";
import { readFields } from "../http/body.ts";
import { answerStatement, readAnswer } from "../http/idempotency.ts";
import { LIMIT_DEFAULT, readPage } from "../http/paging.ts";
import { Problem } from "../http/problems.ts";
import { identityPlugin } from "../identity/plugin.ts";
import { findIdOfSlug } from "../shoes/shoes.ts";
import { respondWrite } from "../shoes/write/answer.ts";
import { readShoeIds } from "../shoes/write/body.ts";
import { isShoeId } from "../shoes/write/draft.ts";
import { WRITE_DOCS as DOCS } from "../shoes/write/model.ts";
import { type Asked, answerWrite, guardOf, idAt, type WriteServices } from "../shoes/write/routes.ts";
import { isUserKnown, likeOnce, likesRecipe, listLikes, mergeStatements } from "./likes.ts";
import type { Liked, Verb } from "./queue.ts";

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

/** The id of the user whom a path names. */
function userIdOf({ openWrites }: WriteServices, { target, params }: AskedOf): string {
  const userId = target ?? params.userid ?? params.id ?? "";
  return openWrites ? checkedUserId(userId) : userId;
}

/** Throws the `Problem` 404 for an account that is not there; whose token it is has one. */
async function refuseUnknown(
  { db, openWrites }: WriteServices,
  { caller }: AskedOf,
  userId: string,
): Promise<void> {
  if (openWrites || caller?.userId === userId) return;
  if (!(await db.onPrimary((at) => isUserKnown(at, userId))))
    throw new Problem("not-found", "there is no such account");
}

/** The user of a path, who has an account. */
async function userOf(services: WriteServices, asked: AskedOf): Promise<string> {
  const userId = userIdOf(services, asked);
  await refuseUnknown(services, asked, userId);
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

  const doneAt = async (
    verb: Verb,
    address: string,
    userId: string,
  ): Promise<{ shoeId: string; liked: Liked }> => {
    const shoeId = isShoeId(address) ? address : await idAt(services, address);
    const liked = await likes[verb](shoeId, userId);
    if (liked) return { shoeId, liked };
    // It is none: then it may be a slug.
    const other = await db.onPrimary((at) => findIdOfSlug(at, address));
    const second = other === null ? null : await likes[verb](other, userId);
    if (!second || other === null) throw new Problem("not-found", "there is no such shoe");
    return { shoeId: other, liked: second };
  };

  const likeKept = async (asked: AskedOf, userId: string): Promise<Response> => {
    const shoeId = await idAt(services, asked.params.id ?? "");
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
    async like(asked: AskedOf): Promise<Response> {
      const hasKey = asked.caller !== undefined && asked.request.headers.has("idempotency-key");
      if (hasKey) return likeKept(asked, await userOf(services, asked));
      const userId = userIdOf(services, asked);
      const { shoeId, liked } = await doneAt("like", asked.params.id ?? "", userId);
      // Nothing is added for an account that is not there, so it is asked for only where nothing was.
      if (!liked.created) await refuseUnknown(services, asked, userId);
      return respondLike(shoeId, userId, liked);
    },
    async likeNamed(request: Request): Promise<Response> {
      const { id, userid } = await readFields(request);
      if (typeof id !== "string" && typeof id !== "number") throw missing("/id");
      if (typeof userid !== "string" && typeof userid !== "number") throw missing("/userid");
      const userId = checkedUserId(String(userid));
      const { shoeId, liked } = await doneAt("like", String(id), userId);
      return respondLike(shoeId, userId, liked);
    },
    async unlike(asked: AskedOf): Promise<Response> {
      const userId = await userOf(services, asked);
      await doneAt("unlike", asked.params.id ?? "", userId);
      return respondWrite({ status: 204, headers: {}, body: null }, versions.headers());
    },
  };
}

function listOfLikes(services: WriteServices) {
  const { db, openWrites, shop } = services;
  return {
    async list(asked: AskedOf): Promise<Response> {
      const params = new URL(asked.request.url).searchParams;
      const idsOnly = params.get("ids") === "true";
      const page = readPage(params, idsOnly ? IDS_LIMIT : LIMIT_DEFAULT);
      const userId = await userOf(services, asked);
      const body = await db.onPrimary((at) => listLikes(at, userId, page, { idsOnly, shop }));
      return new Response(body, { headers: { "content-type": JSON_TYPE, "cache-control": PRIVATE } });
    },
    async merge(asked: AskedOf): Promise<Response> {
      const userId = await userOf(services, asked);
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
