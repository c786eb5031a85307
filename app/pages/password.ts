// The pages for a forgotten password: one requests the mail, the link in it leads to the other one, which takes the new password.
import { type Html, html } from "../http/html.ts";
import { PROBLEMS, type Problem } from "../http/problems.ts";
import { customerPageResponse, PERSONAL } from "./page.ts";

/** Where the pages are. */
export const FORGOT = "/account/forgot";
export const RESET = "/account/reset";

/** The page with the form for an e-mail address; on top, why it was refused. */
export const forgotPage = (shopName: string, problem: Problem | null): Response =>
  page(
    shopName,
    "Forgotten password",
    html`${alertOf(problem)}
<p class="lead">You get a mail with a link to choose a new password.</p>
<form method="post" action="${FORGOT}" class="fields">
<label for="email">E-mail address of your account</label>
<input id="email" name="email" type="email" autocomplete="username" required${invalid(problem, "/email")}>
<div class="doors"><button class="first">Send the mail</button></div>
</form>`,
    { problem },
  );

/** The page after the form, with the same words for every address. */
export const sentPage = (shopName: string): Response =>
  page(
    shopName,
    "Look into your mailbox",
    html`<p class="lead" role="status">If there is an account with this address, a mail with a link is on its way to it. The link works once, for 30 minutes.</p>`,
  );

/**
 * The page with the form for the new password of the account with this address; on top, why it was refused. Programs that keep
 * passwords read the address.
 */
export const resetPage = (
  shopName: string,
  { token, email }: { token: string; email: string },
  problem: Problem | null,
): Response =>
  page(
    shopName,
    "Choose a new password",
    html`${alertOf(problem)}
<form method="post" action="${RESET}" class="fields">
<input type="hidden" name="token" value="${token}">
<input type="text" name="username" autocomplete="username" value="${email}" hidden readonly>
<p>Your account: ${email}</p>
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="8" aria-describedby="rule"${invalid(problem, "/password")}>
<p id="rule">At least 8 characters. All your devices are then signed out.</p>
<div class="doors"><button class="first">Set the password</button></div>
</form>`,
    { problem },
  );

/** The page after the new password was set. */
export const donePage = (shopName: string): Response =>
  page(
    shopName,
    "Your password is changed",
    html`<p class="lead" role="status">All devices are signed out. Sign in with your new password.</p>`,
  );

/** The page for a link that does not work. */
export const endedPage = (shopName: string): Response =>
  page(
    shopName,
    "This link does not work",
    html`<p class="lead" role="alert">It was used before, is older than 30 minutes, or the password was changed since.</p>
<p class="doors"><a class="first" href="${FORGOT}">Request another mail</a></p>`,
    { status: 400 },
  );

function page(
  shopName: string,
  title: string,
  content: Html,
  { problem, status }: { problem?: Problem | null; status?: number } = {},
): Response {
  const main = html`<section class="hero">
<h1>${title}</h1>
${content}
</section>`;
  return customerPageResponse({
    shopName,
    title,
    main,
    policy: PERSONAL,
    ...(problem ? { status: PROBLEMS[problem.type][0], more: problem.headers } : {}),
    ...(status === undefined ? {} : { status }),
  });
}

const alertOf = (problem: Problem | null): Html =>
  problem === null ? html`` : html`<p class="note" role="alert">${sentenceOf(problem)}</p>`;

const sentenceOf = ({ detail }: Problem): string => `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`;

const invalid = (problem: Problem | null, pointer: string): Html =>
  problem?.errors.some((each) => "pointer" in each && each.pointer === pointer)
    ? html` aria-invalid="true"`
    : html``;
