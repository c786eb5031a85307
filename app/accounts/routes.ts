// Accounts over HTTP: registration, login and logout, accounts, and the audit.
import { Elysia } from "elysia";
import type { Database } from "../../db/database.ts";
import { countAudit, listAudit } from "../http/audit.ts";
import { readFields, readFieldsIfAny } from "../http/body.ts";
import { isBehindTls, type Origins } from "../http/origin.ts";
import { COUNT_MAX, pageBody, readPage } from "../http/paging.ts";
import { facts } from "../http/routing.ts";
import type { Identity } from "../identity/identity.ts";
import { identityPlugin } from "../identity/plugin.ts";
import type { Clients } from "../limits/client.ts";
import { countUsers, findAccount, listUsers, type User } from "./accounts.ts";
import { expiredCookie, refreshTokenOf, sessionCookie } from "./cookie.ts";
import { AccountChange, Login, Profile, Registration, Removal } from "./fields.ts";
import { DOCS } from "./model.ts";
import type { Passwords } from "./passwords.ts";
import { provenUserOf } from "./proof.ts";
import type { ResetTokens } from "./reset-tokens.ts";
import { openResets } from "./resets.ts";
import { change, login, logout, noAccount, refresh, register, remove, type SignedIn } from "./sign-in.ts";
import type { LoginThrottle } from "./throttle.ts";
import { openVisits } from "./visitors.ts";

/** The services of the routes of accounts. */
export type AccountServices = {
  db: Database;
  identity: Identity;
  passwords: Passwords;
  loginThrottle: LoginThrottle;
  resetTokens: ResetTokens;
  clients: Clients;
  patienceMs: number;
  origins: Origins;
  now(): number;
};

const counted = facts({ counts: "request" });

const HEADERS = { "cache-control": "private, no-store", "content-type": "application/json; charset=utf-8" };

const send = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { ...HEADERS, ...headers } });
const done = (headers: Record<string, string> = {}) =>
  new Response(null, { status: 204, headers: { "cache-control": HEADERS["cache-control"], ...headers } });
const item = (user: User) => send({ success: true, data: user });

/** The routes below `/api` and `/v1`. */
export function accountRoutes(services: AccountServices) {
  return new Elysia({ name: "accounts" })
    .use(authRoutes(services))
    .use(resetRoutes(services))
    .use(userRoutes(services));
}

function authRoutes(services: AccountServices) {
  const { db, identity, origins } = services;
  const visit = openVisits(services);
  const isSecure = isBehindTls(origins);
  const sendSession = async ({ session, user }: SignedIn, status: number, inCookie: boolean) => {
    const { userId, sessionId, refreshToken } = session;
    const token = await identity.tokens.sign(userId, sessionId);
    const body = {
      success: true,
      token,
      // A token in the cookie is not in the body, so that scripts of the page cannot read it.
      ...(inCookie ? {} : { refreshToken }),
      expiresIn: identity.tokens.ttlSeconds,
      user,
    };
    return send(body, status, inCookie ? { "set-cookie": sessionCookie(refreshToken, isSecure) } : {});
  };

  return new Elysia({ name: "auth" })
    .use(identityPlugin(identity))
    .post(
      "/auth/register",
      async ({ request }) => {
        const input = Registration.read(await readFields(request));
        return sendSession(await visit(request, (who) => register(services, input, who)), 201, false);
      },
      { ...DOCS.register, ...facts({ counts: "sign-in", event: "registration" }), parse: "none" },
    )
    .post(
      "/auth/login",
      async ({ request }) => {
        const input = Login.read(await readFields(request));
        const signedIn = await visit(request, async (who) =>
          login(services, input, who, await provenUserOf(services, request, input.email)),
        );
        return sendSession(signedIn, 200, input.cookie === true);
      },
      { ...DOCS.login, ...facts({ counts: "sign-in", event: "login" }), parse: "none" },
    )
    .post(
      "/auth/refresh",
      async ({ request }) => {
        const { token, inCookie } = await refreshTokenOf(request, origins);
        return sendSession(await refresh(services, token), 200, inCookie);
      },
      { ...DOCS.refresh, ...facts({ counts: "sign-in" }), parse: "none" },
    )
    .post(
      "/auth/logout",
      async ({ request }) => {
        const { token, inCookie } = await refreshTokenOf(request, origins);
        await logout(services, token);
        return done(inCookie ? { "set-cookie": expiredCookie(isSecure) } : {});
      },
      { ...DOCS.logout, ...counted, parse: "none" },
    )
    .get("/auth/profile", async ({ caller }) => item(await found(db, caller.userId)), {
      ...DOCS.getProfile,
      ...counted,
      who: "user",
    })
    .put(
      "/auth/profile",
      async ({ request, caller }) => {
        const input = Profile.read(await readFields(request));
        return item(await visit(request, (who) => change(services, caller, caller.userId, input, who)));
      },
      { ...DOCS.changeProfile, ...counted, who: "user", parse: "none" },
    );
}

function resetRoutes(services: AccountServices) {
  const resets = openResets(services);
  return new Elysia({ name: "resets" })
    .post(
      "/auth/forgot",
      async ({ request }) => {
        await resets.request(await readFields(request));
        return done();
      },
      { ...DOCS.forgotPassword, ...facts({ counts: "sign-in" }), parse: "none" },
    )
    .post(
      "/auth/reset",
      async ({ request }) => {
        await resets.reset(request, await readFields(request));
        return done();
      },
      { ...DOCS.resetPassword, ...facts({ counts: "sign-in" }), parse: "none" },
    );
}

function userRoutes(services: AccountServices) {
  const { db, identity } = services;
  const visit = openVisits(services);
  return new Elysia({ name: "users" })
    .use(identityPlugin(identity))
    .get(
      "/users",
      async ({ request }) => {
        const page = readPage(new URL(request.url).searchParams);
        return send(
          await db.onPrimary((snapshot) =>
            pageBody(page, listUsers(snapshot, page), countUsers(snapshot, COUNT_MAX)),
          ),
        );
      },
      { ...DOCS.listUsers, ...counted, who: "admin" },
    )
    .get("/users/:id", async ({ target }) => item(await found(db, target)), {
      ...DOCS.getUser,
      ...counted,
      who: "self",
    })
    .put(
      "/users/:id",
      async ({ request, caller, target }) => {
        const input = AccountChange.read(await readFields(request));
        return item(await visit(request, (who) => change(services, caller, target, input, who)));
      },
      { ...DOCS.changeUser, ...counted, who: "self", parse: "none" },
    )
    .delete(
      "/users/:id",
      async ({ request, caller, target }) => {
        const fields = await readFieldsIfAny(request);
        const isSelf = caller.userId === target;
        const password = isSelf ? Removal.read(fields).password : null;
        await visit(request, (who) => remove(services, caller, target, password, who));
        return done();
      },
      { ...DOCS.removeUser, ...counted, who: "self", parse: "none" },
    )
    .get(
      "/audit",
      async ({ request }) => {
        const page = readPage(new URL(request.url).searchParams);
        return send(
          await db.onPrimary((snapshot) =>
            pageBody(page, listAudit(snapshot, page), countAudit(snapshot, COUNT_MAX)),
          ),
        );
      },
      { ...DOCS.listAudit, ...counted, who: "admin" },
    );
}

async function found(db: Database, userId: string): Promise<User> {
  const account = await db.onPrimary((snapshot) => findAccount(snapshot, userId));
  if (!account) throw noAccount();
  return account.user;
}
