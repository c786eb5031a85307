// The routes of the pages for a forgotten password.
import { Elysia } from "elysia";
import type { Fields } from "../http/body.ts";
import type { PageCheck } from "../http/origin.ts";
import { toProblem } from "../http/problem-of.ts";
import type { Problem } from "../http/problems.ts";
import { facts } from "../http/routing.ts";
import { readForm } from "./form.ts";
import { donePage, endedPage, FORGOT, forgotPage, RESET, resetPage, sentPage } from "./password.ts";

/** The services of the pages; `refusePage` refuses the pages of other origins. */
export type PasswordServices = {
  shopName: string;
  resets: {
    request(fields: Fields): Promise<void>;
    emailOf(token: string): Promise<string | null>;
    reset(request: Request, fields: Fields): Promise<void>;
  };
  refusePage: PageCheck;
};

/** Pages are no operations of the API; their forms count like its sign-ins. */
const page = { ...facts({ counts: "request" }), detail: { hide: true } };
const form = { ...facts({ counts: "sign-in" }), detail: { hide: true }, parse: "none" } as const;

/** The routes outside the prefixes. */
export const passwordRoutes = ({ shopName, resets, refusePage }: PasswordServices) =>
  new Elysia({ name: "password" })
    .get(FORGOT, () => forgotPage(shopName, null), page)
    .post(
      FORGOT,
      async ({ request }) => {
        const sent = await readForm(request, refusePage);
        const problem = await problemOf(resets.request(Object.fromEntries(sent)));
        return problem === null ? sentPage(shopName) : forgotPage(shopName, problem);
      },
      form,
    )
    .get(
      RESET,
      async ({ request }) => {
        const token = new URL(request.url).searchParams.get("token") ?? "";
        const email = await resets.emailOf(token);
        return email === null ? endedPage(shopName) : resetPage(shopName, { token, email }, null);
      },
      page,
    )
    .post(
      RESET,
      async ({ request }) => {
        const sent = await readForm(request, refusePage);
        const problem = await problemOf(resets.reset(request, Object.fromEntries(sent)));
        // Not after a redirect: no address may say that a password was changed.
        if (problem === null) return donePage(shopName);
        const token = sent.get("token") ?? "";
        const email = await resets.emailOf(token);
        return email === null ? endedPage(shopName) : resetPage(shopName, { token, email }, problem);
      },
      form,
    );

/** Why it failed, for the page to show; `null` where it did not. Throws what the log must have. */
async function problemOf(work: Promise<void>): Promise<Problem | null> {
  try {
    await work;
    return null;
  } catch (thrown) {
    const problem = toProblem(thrown);
    if (problem.type === "internal-error") throw thrown;
    return problem;
  }
}
