// The request of a mail for a forgotten password: who gets one, and that nobody learns whether an address has an account.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { DatabaseError } from "../../db/errors.ts";
import { openHandle } from "../../db/read/reader.ts";
import { makeAdminOf } from "../testing/accounts.ts";
import { parseMail } from "../testing/mail-server.ts";
import { ask, type Person, signIn, signUp } from "../testing/people.ts";
import { forgot, mailedToken, openResetShop, type ResetShop, tokenIn } from "../testing/resets.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const NOBODY = "nobody@shop.example";

let open: ResetShop;
let person: Person;
let midnightMs = 0;
beforeAll(async () => {
  open = await openResetShop();
  midnightMs = open.clock.nowMs;
});
beforeEach(async () => {
  midnightMs += DAY_MS;
  open.clock.nowMs = midnightMs;
  person = await signUp(open.shop, "Ada <b>");
});
afterAll(() => open.close());

/** The mails of an account in the outbox. */
const mailsOf = ({ id }: Person) =>
  open.shop.db.read.all<[string, string, number]>(
    "SELECT recipient, state, created_at FROM outbox WHERE key LIKE ? || ' %' ORDER BY key",
    id,
  );
const outboxSize = () => open.shop.db.read.get<[number]>("SELECT count(*) FROM outbox")?.[0] ?? 0;

describe("a request", () => {
  const TOO_LONG = `${"a".repeat(1_100)}@shop.example`;
  test.each<[string, (own: string) => unknown, number, string | null, number]>([
    ["the address of an account", (own) => ({ email: own }), 204, null, 1],
    ["the address in another case", (own) => ({ email: ` ${own.toUpperCase()} ` }), 204, null, 1],
    ["other fields besides", (own) => ({ email: own, recipient: "evil@evil.example" }), 204, null, 1],
    ["an address without an account", () => ({ email: NOBODY }), 204, null, 0],
    ["two addresses in one", (own) => ({ email: `${own},evil@evil.example` }), 204, null, 0],
    ["a pattern", () => ({ email: "%" }), 204, null, 0],
    ["no address", () => ({ email: "ada" }), 204, null, 0],
    ["an empty text", () => ({ email: "" }), 204, null, 0],
    ["a header in the address", (own) => ({ email: `${own}\r\nBcc: evil@evil.example` }), 400, "/email", 0],
    ["a number", () => ({ email: 5 }), 400, "/email", 0],
    ["null", () => ({ email: null }), 400, "/email", 0],
    ["a list", (own) => ({ email: [own, "evil@evil.example"] }), 400, "/email", 0],
    ["nothing", () => ({}), 400, "/email", 0],
    ["a text that is too long", () => ({ email: TOO_LONG }), 400, "/email", 0],
    ["a list as the body", () => [], 400, "", 0],
  ])("with %s", async (_what, bodyOf, status, pointer, mails) => {
    const before = outboxSize();
    const answer = await ask(open.shop, "POST", "/api/auth/forgot", { body: bodyOf(person.email) });
    const text = await answer.text();
    expect(answer.status).toBe(status);
    expect(text === "" ? null : JSON.parse(text).errors[0].pointer).toBe(pointer);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    expect(outboxSize() - before).toBe(mails);
    // The account's own address, not the one that was typed.
    expect(mailsOf(person)).toEqual(mails === 0 ? [] : [[person.email, "due", open.clock.nowMs]]);
  });

  test("gets a mail for an admin too, below both prefixes, and no session ends by it", async () => {
    const admin = await signIn(open.shop, await makeAdminOf(open.shop.db, person));
    const answer = await ask(open.shop, "POST", "/v1/auth/forgot", { body: { email: admin.email } });
    expect([answer.status, mailsOf(admin).length]).toEqual([204, 1]);
    expect((await ask(open.shop, "GET", "/api/auth/profile", admin)).status).toBe(200);
  });

  test("sends to the address as the account has it, not to one that only looks like it", async () => {
    const email = "Grace.Case@Shop.example";
    const body = { email, password: person.password, name: "Grace" };
    expect((await ask(open.shop, "POST", "/api/auth/register", { body })).status).toBe(201);
    expect(await forgot(open, "grace.case@\uff33hop.example")).toBe(204);
    expect(open.shop.db.read.get("SELECT recipient FROM outbox ORDER BY seq DESC LIMIT 1")).toEqual([email]);
  });

  test("with another content type is 415", async () => {
    const given = { body: `email=${person.email}`, headers: { "content-type": "text/plain" } };
    expect((await ask(open.shop, "POST", "/api/auth/forgot", given)).status).toBe(415);
    expect(mailsOf(person)).toEqual([]);
  });
});

describe("an account gets mails", () => {
  test("three at most whose links work, however often they are requested", async () => {
    for (let minute = 0; minute < 29; minute += 1) {
      expect(await forgot(open, person.email)).toBe(204);
      open.clock.nowMs += MINUTE_MS;
    }
    expect(mailsOf(person)).toHaveLength(3);
    // Others are not affected.
    const other = await signUp(open.shop);
    await forgot(open, other.email);
    expect(mailsOf(other)).toHaveLength(1);
    // The first link has ended, so there may be another one.
    open.clock.nowMs += MINUTE_MS;
    await forgot(open, person.email);
    await forgot(open, person.email);
    expect(mailsOf(person)).toHaveLength(4);
  });

  test("once for requests within a millisecond", async () => {
    await Promise.all(Array.from({ length: 5 }, () => forgot(open, person.email)));
    expect(mailsOf(person)).toHaveLength(1);
  });

  test("at once when all links have ended by a new password", async () => {
    for (let times = 0; times < 3; times += 1) {
      open.clock.nowMs += 1;
      await mailedToken(open, person.email);
    }
    const token = await tokenIn(open.server);
    expect(
      (await ask(open.shop, "POST", "/api/auth/reset", { body: { token, password: "another one" } })).status,
    ).toBe(204);
    open.clock.nowMs += 1;
    await forgot(open, person.email);
    expect(mailsOf(person)).toHaveLength(4);
  });
});

describe("with and without an account it is the same:", () => {
  /** What a stranger sees of an answer: all but what differs between two requests with the same address. */
  const seen = async (email: string) => {
    const answer = await ask(open.shop, "POST", "/api/auth/forgot", { body: { email } });
    const headers = [...answer.headers].filter(([name]) => !/^(date|x-request-id|server-timing)$/.test(name));
    return { status: answer.status, headers, body: await answer.text() };
  };
  /** The addresses: of an account, of one that gets no more mails, and of none. */
  const addresses = async (): Promise<string[]> => {
    const refused = await signUp(open.shop);
    for (let times = 0; times < 3; times += 1) {
      open.clock.nowMs += 1;
      await forgot(open, refused.email);
    }
    return [person.email, refused.email, NOBODY];
  };

  test("the answer", async () => {
    const [first, ...others] = await Promise.all((await addresses()).map(seen));
    expect(first).toMatchObject({ status: 204, body: "" });
    expect(others).toEqual([first as NonNullable<typeof first>, first as NonNullable<typeof first>]);
  });

  test("the work: one write of the same statement, and a commit that stores something", async () => {
    const stored = () => open.shop.db.read.get<[number]>("SELECT count(*) FROM writes")?.[0] ?? 0;
    const works = [];
    for (const email of await addresses()) {
      open.writes.length = 0;
      open.shop.ran.length = 0;
      const before = { stored: stored(), commits: open.shop.watched.writeQueue().commits };
      await forgot(open, email);
      works.push({
        writes: open.writes.map((statements) => statements.map(({ sql }) => sql)),
        reads: open.shop.ran.length,
        stored: stored() - before.stored,
        commits: open.shop.watched.writeQueue().commits - before.commits,
      });
    }
    const [first] = works;
    expect(first).toMatchObject({ reads: 0, stored: 1, commits: 1 });
    expect(first?.writes.map((sqls) => sqls.length)).toEqual([1]);
    expect(works).toEqual([first, first, first] as typeof works);
  });

  test("the log, which names no address", async () => {
    const lines = [];
    for (const email of await addresses()) {
      open.shop.logged.length = 0;
      await forgot(open, email);
      lines.push(open.shop.logged.map((line) => line.replace(/"(ms|requestId|time)":[^,}]*/g, "")));
      expect(open.shop.logged.join("")).not.toContain("shop.example");
    }
    expect(lines[0]).toHaveLength(1);
    expect(lines).toEqual([lines[0], lines[0], lines[0]] as typeof lines);
  });

  test.each([
    ["unreachable", 503],
    ["unwritable", 503],
    ["uncertain", 504],
  ] as const)("the failure of a primary that is %s", async (kind, status) => {
    open.failure.error = new DatabaseError(kind, "as if");
    try {
      expect([await forgot(open, person.email), await forgot(open, NOBODY)]).toEqual([status, status]);
    } finally {
      open.failure.error = null;
    }
    expect(mailsOf(person)).toEqual([]);
  });
});

test("the statement looks rows up: it reads no table and no index whole", async () => {
  open.writes.length = 0;
  await forgot(open, person.email);
  const { sql = "", args = [] } = open.writes[0]?.[0] ?? {};
  const handle = openHandle(open.shop.databasePath, 1_000);
  const plan = handle.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(args) as { detail: string }[];
  handle.close();
  const details = plan.map(({ detail }) => detail);
  expect(details.filter((detail) => /SCAN (?!CONSTANT)/.test(detail))).toEqual([]);
  expect(details.join("\n")).toContain("SEARCH o USING INDEX outbox_keys (kind=? AND key>? AND key<?)");
});

describe("the mail", () => {
  test("goes to the account's address, says what to do until when, and has no text of a person", async () => {
    const token = await mailedToken(open, person.email.toUpperCase());
    const received = open.server.received.at(-1);
    expect(received?.to).toEqual([person.email]);
    const { subject, text = "", html = "", from } = await parseMail(received as NonNullable<typeof received>);
    expect([subject, from?.text]).toEqual(["Choose a new password", '"Insole" <shop@insole.example>']);
    for (const form of [text, String(html)]) {
      expect(form).toContain(`/account/reset?token=${token}`);
      expect(form).toContain("30 minutes");
      expect(form).toMatch(/until January \d+, 2030 at 12:30\sAM\sUTC/);
      expect(form).toContain("ignore this mail");
      expect(form).not.toMatch(/Ada|person\d+@/);
    }
    expect(html).toContain("Insole &amp; Sons");
    // Neither the row nor anything else that is stored holds the token.
    const rows = open.shop.db.read.all("SELECT * FROM outbox WHERE key LIKE ? || ' %'", person.id);
    expect(JSON.stringify(rows)).not.toContain(token.slice(-43));
  });

  test("has the same token and id when it is sent again", async () => {
    open.server.behave((_, before) => (before === 0 ? "lose" : "accept"));
    await forgot(open, person.email);
    await open.shop.mail.run();
    const lost = await tokenIn(open.server);
    open.clock.nowMs += 5 * MINUTE_MS;
    await open.shop.mail.run();
    open.server.behave(() => "accept");
    const mails = open.server.received.slice(-2);
    expect(mails.map(({ to }) => to)).toEqual([[person.email], [person.email]]);
    expect([await tokenIn(open.server), mails[1]?.messageId]).toEqual([lost, mails[0]?.messageId as string]);
    expect(mailsOf(person).map(([, state]) => state)).toEqual(["sent"]);
  });

  test.each<[string, () => Promise<unknown>]>([
    [
      "its time is over",
      async () => {
        open.clock.nowMs += 30 * MINUTE_MS;
      },
    ],
    [
      "the password was changed since",
      async () => {
        open.clock.nowMs += 1;
        const body = { password: "another one", currentPassword: person.password };
        return ask(open.shop, "PUT", "/api/auth/profile", { token: person.token, body });
      },
    ],
  ])("is withdrawn when %s", async (_why, change) => {
    const before = open.server.attempts();
    await forgot(open, person.email);
    await change();
    await open.shop.mail.run();
    expect(mailsOf(person).map(([, state]) => state)).toEqual(["withdrawn"]);
    expect(open.server.attempts()).toBe(before);
  });

  test("is removed with its account", async () => {
    await forgot(open, person.email);
    const body = { password: person.password };
    expect((await ask(open.shop, "DELETE", "/api/users/me", { token: person.token, body })).status).toBe(204);
    expect(mailsOf(person)).toEqual([]);
    const before = open.server.attempts();
    await open.shop.mail.run();
    expect(open.server.attempts()).toBe(before);
  });
});
