// The pages for a forgotten password: they work without a script, are taken from the shop's own pages only, and leak no token.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { DatabaseError } from "../../db/errors.ts";
import { HOSTILE } from "../testing/fuzz/hostile.ts";
import { ask, type Person, signUp } from "../testing/people.ts";
import { mailedToken, openResetShop, type ResetShop, tokenIn } from "../testing/resets.ts";

const BROWSER_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const found = BROWSER_PATHS.find((path) => existsSync(path));
const FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking";
const TIMEOUT_MS = 30_000;
setDefaultTimeout(2 * TIMEOUT_MS);

const DAY_MS = 86_400_000;
const NEW = "a password that is new";
const ENDED = "This link does not work";
const CHANGED = "Your password is changed";

let open: ResetShop;
let person: Person;
beforeAll(async () => {
  open = await openResetShop();
});
beforeEach(async () => {
  open.clock.nowMs += DAY_MS;
  person = await signUp(open.shop);
});
afterAll(() => open.close());

const own = () => ({ origin: open.shop.url });
const send = (path: string, fields: Record<string, string>, headers: Record<string, string> = own()) =>
  open.shop.get(path, {
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: new URLSearchParams(fields).toString(),
  });
const linkOf = (token: string) => `/account/reset?token=${encodeURIComponent(token)}`;
const login = async (password: string) =>
  (await ask(open.shop, "POST", "/api/auth/login", { body: { email: person.email, password } })).status;
const mails = () =>
  open.shop.db.read.get<[number]>("SELECT count(*) FROM outbox WHERE key LIKE ? || ' %'", person.id)?.[0];

test("every page has a policy of its own, may not be stored, and runs no script", async () => {
  const token = await mailedToken(open, person.email);
  const pages = [
    await open.shop.get("/account/forgot"),
    await send("/account/forgot", { email: person.email }),
    await open.shop.get(linkOf(token)),
    await open.shop.get(linkOf("nothing")),
    await send("/account/reset", { token, password: "short" }),
    await send("/account/reset", { token, password: NEW }),
  ];
  expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 400, 400, 200]);
  for (const page of pages) {
    expect(page.headers.get("cache-control")).toBe("private, no-store");
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    // The address of the page has the token: no other page, also of the shop, gets it as the referrer.
    expect(page.headers.get("referrer-policy")).toBe("strict-origin");
    expect(page.headers.get("content-security-policy")?.split("; ")).toEqual(
      expect.arrayContaining(["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"]),
    );
    expect(page.headers.has("set-cookie")).toBe(false);
    const text = await page.text();
    expect(text).not.toMatch(/<script|\son\w+=|\sstyle=/i);
    // Like the mails: under the name of the shop, and without links for developers.
    expect(text).toContain(`<a class="brand" href="/">Insole &amp; Sons</a>`);
    expect(text).not.toMatch(/href="\/(?:docs|api|health)/);
  }
});

test("HEAD has the headers of a page and no body", async () => {
  const head = await open.shop.get("/account/forgot", { method: "HEAD" });
  expect([head.status, head.headers.get("cache-control"), await head.text()]).toEqual([
    200,
    "private, no-store",
    "",
  ]);
});

describe("the page of the link", () => {
  test("has a form with the token, and its result says that the password is changed", async () => {
    const token = await mailedToken(open, person.email);
    const shown = await (await open.shop.get(linkOf(token))).text();
    expect(shown).toContain(`<form method="post" action="/account/reset" class="fields">`);
    expect(shown).toContain(`name="token" value="${token}"`);
    expect(shown).toContain(`Your account: ${person.email}`);
    const done = await send("/account/reset", { token, password: NEW });
    const text = await done.text();
    expect([done.status, text.includes(CHANGED), text.includes("<form")]).toEqual([200, true, false]);
    expect([await login(person.password), await login(NEW)]).toEqual([401, 200]);
  });

  test("says that the link does not work when it was used, has ended, or is none", async () => {
    const used = await mailedToken(open, person.email);
    await send("/account/reset", { token: used, password: NEW });
    const late = await mailedToken(open, (await signUp(open.shop)).email);
    open.clock.nowMs += 31 * 60_000;
    for (const token of [used, late, "", "x", "<b>", HOSTILE["header injection"] ?? ""]) {
      const answers = [
        await open.shop.get(linkOf(token)),
        await send("/account/reset", { token, password: NEW }),
      ];
      for (const answer of answers) {
        const text = await answer.text();
        expect([answer.status, text.includes(ENDED), text.includes("<form")]).toEqual([400, true, false]);
        expect(text).toContain(`href="/account/forgot"`);
      }
    }
    expect((await open.shop.get("/account/reset")).status).toBe(400);
  });

  test.each<[string, Record<string, string>, string]>([
    ["a short password", { password: "1234567" }, "Password must have 8 to 128 characters."],
    ["no password", {}, "Password is required."],
    ["an empty password", { password: "" }, "Password must have 8 to 128 characters."],
  ])("shows the error of %s on top, and keeps the token", async (_what, fields, said) => {
    const token = await mailedToken(open, person.email);
    const answer = await send("/account/reset", { token, ...fields });
    const text = await answer.text();
    expect([answer.status, text.includes(`role="alert">${said}`)]).toEqual([400, true]);
    expect(text).toContain("aria-invalid");
    expect(text).toContain(`name="token" value="${token}"`);
    expect((await send("/account/reset", { token, password: NEW })).status).toBe(200);
  });

  test("shows a busy shop on top, with the pause before another try", async () => {
    const token = await mailedToken(open, person.email);
    open.failure.error = new DatabaseError("unreachable", "as if");
    const answers = [
      await send("/account/reset", { token, password: NEW }),
      await send("/account/forgot", { email: person.email }),
    ];
    open.failure.error = null;
    for (const answer of answers) {
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await answer.text()).toContain(`role="alert">The shop is busy.`);
    }
    expect(await login(person.password)).toBe(200);
  });

  test("shows the address of the account as text", async () => {
    const email = "o'neill&co@shop.example";
    const body = { email, password: person.password, name: "O" };
    expect((await ask(open.shop, "POST", "/api/auth/register", { body })).status).toBe(201);
    const shown = await (await open.shop.get(linkOf(await mailedToken(open, email)))).text();
    expect(shown).toContain("Your account: o&#39;neill&amp;co@shop.example");
  });

  test("shows nothing of hostile text", async () => {
    for (const [name, text] of Object.entries(HOSTILE).filter(([, each]) => each.length < 2_000)) {
      const answer = await send("/account/reset", { token: text.toWellFormed(), password: "short" });
      expect([name, answer.status]).toEqual([name, 400]);
      expect([name, (await answer.text()).match(/<(script|img|svg onload|b>|i>)/)]).toEqual([name, null]);
    }
  });
});

describe("the page that requests a mail", () => {
  test("says the same with and without an account, and one gets a mail", async () => {
    const [known, unknown, none] = await Promise.all(
      [person.email, "nobody@shop.example", "x"].map(async (email) => {
        const answer = await send("/account/forgot", { email });
        return [answer.status, await answer.text()] as const;
      }),
    );
    expect(known).toEqual([200, expect.stringContaining("If there is an account with this address")]);
    expect([unknown, none]).toEqual([known, known]);
    expect(mails()).toBe(1);
  });

  test("shows its rule for a form without an address", async () => {
    const answer = await send("/account/forgot", {});
    expect([answer.status, (await answer.text()).includes(`role="alert">Email is required.`)]).toEqual([
      400,
      true,
    ]);
  });
});

test.each<[string, () => Record<string, string>, number]>([
  ["a form of a stranger's page", () => ({ origin: "https://evil.example" }), 403],
  ["a form of a page without an origin", () => ({ origin: "null" }), 403],
  ["a request that names no page", () => ({}), 403],
  ["a form of another site", () => ({ "sec-fetch-site": "cross-site" }), 403],
  ["JSON", () => ({ ...own(), "content-type": "application/json" }), 415],
])("%s is refused by both pages, and changes nothing", async (_what, headers, status) => {
  const token = await mailedToken(open, person.email);
  const answers = [
    await send("/account/reset", { token, password: NEW }, headers()),
    await send("/account/forgot", { email: person.email }, headers()),
  ];
  expect(answers.map((answer) => answer.status)).toEqual([status, status]);
  expect([await login(person.password), mails()]).toEqual([200, 1]);
});

test("no line of the log has a token", async () => {
  const token = await mailedToken(open, person.email);
  open.shop.logged.length = 0;
  await open.shop.get(linkOf(token));
  await open.shop.get(`/account/reset?x=${token}`);
  await send("/account/reset", { token, password: "short" });
  await send(linkOf(token), { token, password: NEW });
  expect(open.shop.logged.length).toBe(4);
  expect(open.shop.logged.join("\n")).toContain("/account/reset?token=***");
  expect(open.shop.logged.join("\n")).not.toContain(token.slice(-43));
});

describe.skipIf(found === undefined)("in a browser without scripts", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: found as string, args: FLAGS.split(" ") });
  });
  afterAll(() => browser.close());

  test("a customer requests the mail, opens its link, and sets a password after one that is too short", async () => {
    const context = await browser.newContext({
      javaScriptEnabled: false,
      viewport: { width: 390, height: 800 },
    });
    const page = await context.newPage();
    page.setDefaultTimeout(TIMEOUT_MS);
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    const referrers: string[] = [];
    page.on("request", (request) => referrers.push(request.headers().referer ?? ""));
    const shots = process.env.PAGES_SHOTS;
    const shoot = async (name: string) =>
      void (shots && (await page.screenshot({ path: `${shots}/password-${name}.png`, fullPage: true })));

    await page.goto(`${open.shop.url}/account/forgot`);
    await shoot("forgot");
    await page.getByLabel("E-mail address").fill(person.email);
    await page.getByRole("button", { name: "Send the mail" }).click();
    await page.getByRole("status").waitFor();
    await shoot("sent");
    await open.shop.mail.run();

    await page.goto(`${open.shop.url}${linkOf(await tokenIn(open.server))}`);
    await shoot("reset");
    // Eight characters for the browser, four for the shop.
    await page.getByLabel("New password").fill("👟👟👟👟");
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByRole("alert").waitFor();
    await shoot("refused");
    expect(page.url()).toBe(`${open.shop.url}/account/reset`);
    await page.getByLabel("New password").fill(NEW);
    await page.getByRole("button", { name: "Set the password" }).click();
    await page.getByRole("heading", { name: CHANGED }).waitFor();
    await shoot("done");
    expect(await login(NEW)).toBe(200);
    await page.goto(`${open.shop.url}${linkOf(await tokenIn(open.server))}`);
    await page.getByRole("heading", { name: ENDED }).waitFor();
    await shoot("ended");
    await page.getByRole("link", { name: "Request another mail" }).click();
    await page.getByLabel("E-mail address").waitFor();
    expect(referrers.some((referrer) => referrer !== "")).toBe(true);
    expect(referrers.filter((referrer) => referrer.includes("token"))).toEqual([]);
    expect(complaints.filter((text) => !text.includes("status of 400"))).toEqual([]);
    await context.close();
  });
});
