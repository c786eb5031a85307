// The outbox over HTTP: who may see and release mails, its lists with their pages and states, and what a release does.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Asker, GUEST_EMAIL, openStepShop, type Placed, type StepShop } from "../testing/order-steps.ts";
import { ask } from "../testing/people.ts";
import { openFolder } from "../testing/shop.ts";

const NOW_MS = Date.UTC(2030, 0, 1, 12);
const NOW = "2030-01-01T12:00:00.000Z";
const AUDIT = "SELECT actor_kind, subject FROM audit WHERE action = 'mail.release' ORDER BY seq";

const folder = openFolder();
let shop: StepShop;
let orders: Record<"guest" | "owner" | "waiting" | "leaving", Placed>;

beforeAll(async () => {
  shop = await openStepShop({ now: () => NOW_MS, settings: { DATA_DIR: folder.path } });
  orders = {
    guest: await shop.place("guest"),
    owner: await shop.place("owner"),
    waiting: await shop.place("owner", { paymentToken: "redirect" }),
    leaving: await shop.place("other"),
  };
  await shop.db.write([
    {
      sql: `INSERT INTO outbox (key, kind, data, state, due_at, created_at)
            VALUES ('2029-12-31', 'daily-report', '{"secret":"content"}', 'due', ?1, ?1)`,
      args: [NOW_MS],
    },
  ]);
});
afterAll(async () => {
  await shop.close();
  folder.remove();
});

type Item = { id: string; kind: string; orderId: string | null; state: string };

const list = async (query = "", who: Asker = "admin", prefix = "/api") =>
  shop.as(who, "GET", `${prefix}/outbox${query}`);
const itemsOf = async (query: string): Promise<Item[]> => (await list(query)).body.data;
const release = (mailId: string, who: Asker = "admin", headers: Record<string, string> = {}) =>
  shop.as(who, "POST", `/api/outbox/${mailId}/release`, undefined, headers);

/** The id of an order's mail, and its row changed. */
async function mailOf(order: Placed, kind: string, set = ""): Promise<string> {
  if (set !== "")
    await shop.db.write([
      { sql: `UPDATE outbox SET ${set} WHERE number = ? AND kind = ?`, args: [order.number, kind] },
    ]);
  const row = shop.db.read.get<[number]>(
    "SELECT seq FROM outbox WHERE number = ? AND kind = ?",
    order.number,
    kind,
  );
  return String(row?.[0]);
}
const park = (order: Placed, kind: string) =>
  mailOf(order, kind, "state = 'parked', tries = 12, last_error = '550 no such mailbox', sent_at = NULL");
const rowOf = (mailId: string) =>
  shop.db.read.get("SELECT state, due_at, tries, last_error FROM outbox WHERE seq = ?", Number(mailId));

describe("who may", () => {
  test.each<[Asker, number]>([
    ["anonymous", 401],
    ["guest", 401],
    ["owner", 403],
    ["other", 403],
    ["admin", 200],
    ["key", 200],
  ])("%s: %d", async (who, status) => {
    const mailId = await park(orders.owner, "alert");
    const [listed, released] = [await list("", who), await release(mailId, who)];
    expect([listed.status, released.status]).toEqual([status, status]);
    expect(rowOf(mailId)?.[0]).toBe(status === 200 ? "due" : "parked");
    if (status !== 200)
      for (const { text } of [listed, released])
        for (const secret of [GUEST_EMAIL, "receipt", orders.owner.id]) expect(text).not.toContain(secret);
  });
});

describe("a list", () => {
  test("has every mail, newest first, and nothing of what they say", async () => {
    const { status, headers, body, text } = await list();
    expect([status, headers.get("cache-control")]).toEqual([200, "private, no-store"]);
    expect(headers.get("insole-version")).toBeNull();
    const ids = body.data.map(({ id }: Item) => Number(id));
    expect(ids).toEqual(ids.toSorted((a: number, b: number) => b - a));
    expect(body.pagination).toEqual({ page: 1, limit: 20, total: 9, pages: 1, nextCursor: null });
    expect(body.data[0]).toEqual({
      id: String(ids[0]),
      kind: "daily-report",
      orderId: null,
      recipient: null,
      state: "due",
      tries: 0,
      lastError: null,
      dueAt: NOW,
      createdAt: NOW,
      sentAt: null,
    });
    const receipt = body.data.find(
      ({ orderId, kind }: Item) => orderId === orders.guest.id && kind === "receipt",
    );
    expect(receipt).toMatchObject({ recipient: GUEST_EMAIL, state: "due" });
    for (const secret of ["secret", "Street 1", orders.guest.accessToken ?? "", "token"])
      expect(text).not.toContain(secret);
    expect((await list("", "admin", "/v1")).text).toBe(text);
  });

  test("of a state has the mails in it", async () => {
    const parked = await park(orders.guest, "receipt");
    await mailOf(orders.owner, "receipt", `state = 'sent', sent_at = ${NOW_MS}, tries = 1`);
    const statesOf = async (query: string) => [...new Set((await itemsOf(query)).map(({ state }) => state))];
    expect((await itemsOf("?state=parked")).map(({ id }) => id)).toEqual([parked]);
    expect(await statesOf("?state=due")).toEqual(["due"]);
    expect((await statesOf("")).toSorted()).toEqual(["due", "held", "parked", "sent"]);
    expect((await list("?state=parked")).body).toMatchObject({
      data: [{ tries: 12, lastError: "550 no such mailbox", sentAt: null }],
      pagination: { total: 1 },
    });
  });

  test.each([
    ["state=sent", "state", "must be one of parked, due"],
    ["state=", "state", "must be one of parked, due"],
    ["state=PARKED", "state", "must be one of parked, due"],
    ["state=due&state=parked", "state", "must be given once"],
    ["page=0", "page", "must be a whole number from 1 to 1000000000"],
    ["limit=101", "limit", "must be a whole number from 1 to 100"],
    ["page=101&limit=100", "page", "page * limit must be at most 10000; go on with cursor"],
    ["cursor=abc", "cursor", "must be a nextCursor of the same list"],
  ])("%s is refused", async (query, parameter, detail) => {
    const { status, body } = await list(`?${query}`);
    expect([status, body.errors]).toEqual([400, [{ parameter, detail }]]);
  });

  test.each(["", "&state=due"])(
    "its pages neither repeat nor skip a mail while others come (%s)",
    async (state) => {
      const all = (await itemsOf(`?limit=100${state}`)).map(({ id }) => id);
      const first = await list(`?limit=3${state}`);
      const order = await shop.place("guest");
      const seen = first.body.data.map(({ id }: Item) => id);
      for (let { nextCursor } = first.body.pagination; nextCursor !== null; ) {
        const { body } = await list(`?limit=3&cursor=${nextCursor}${state}`);
        seen.push(...body.data.map(({ id }: Item) => id));
        nextCursor = body.pagination.nextCursor;
      }
      expect(seen).toEqual(all);
      const second = await itemsOf(`?limit=2&page=2${state}`);
      expect(second.map(({ id }) => id)).toEqual(all.slice(0, 2));
      expect((await itemsOf(`?limit=2&page=1${state}`)).every(({ orderId }) => orderId === order.id)).toBe(
        true,
      );
    },
  );

  test("shows the mails of a removed account without its address, also in an error, and releases none", async () => {
    const { id, email, token, password } = shop.people.other;
    const parked = await park(orders.leaving, "receipt");
    await mailOf(orders.leaving, "receipt", `last_error = '550 <${email}>: unknown'`);
    const left = await ask(shop, "DELETE", `/api/users/${id}`, { token, body: { password } });
    expect(left.status).toBe(204);
    const { status, body, text } = await list("?limit=100");
    expect(status).toBe(200);
    expect(body.data.find((mail: Item) => mail.id === parked)).toMatchObject({
      orderId: orders.leaving.id,
      recipient: null,
      state: "withdrawn",
      lastError: null,
    });
    expect(text).not.toContain(email);
    expect((await release(parked)).status).toBe(409);
  });
});

describe("a release", () => {
  test("makes a parked mail due now, with all its tries and its error, and the audit names it", async () => {
    const mailId = await park(orders.guest, "receipt");
    const before = shop.db.read.all(AUDIT).length;
    const { status, headers, body } = await release(mailId);
    expect([status, headers.get("cache-control"), headers.get("insole-version")]).toEqual([
      200,
      "private, no-store",
      null,
    ]);
    expect(body).toEqual({
      success: true,
      data: (await itemsOf("?limit=100")).find(({ id }) => id === mailId),
    });
    expect(rowOf(mailId)).toEqual(["due", NOW_MS, 0, "550 no such mailbox"]);
    expect(shop.db.read.all(AUDIT).slice(before)).toEqual([["user", mailId]]);
  });

  test("is followed by the mail", async () => {
    const mailId = await park(orders.guest, "receipt");
    const isSent = () =>
      existsSync(join(folder.path, "mail")) &&
      readdirSync(join(folder.path, "mail")).includes(`receipt.0.${orders.guest.id}.eml`);
    await shop.mail.run();
    expect([rowOf(mailId)?.[0], isSent()]).toEqual(["parked", false]);
    await release(mailId);
    await shop.mail.run();
    expect([rowOf(mailId), isSent()]).toEqual([["sent", NOW_MS, 1, null], true]);
  });

  test.each(["0", "-1", "1.5", "01", "1e3", "999999999", "99999999999999999999", "me", "1%20OR%201", "%00"])(
    "of %s is 404: there is no such mail",
    async (mailId) => {
      const { status, body } = await release(mailId);
      expect([status, body.detail]).toEqual([404, "there is no mail with this id"]);
    },
  );

  test.each([
    ["held", "state = 'held'"],
    ["due", "state = 'due', tries = 0"],
    ["sent", `state = 'sent', sent_at = ${NOW_MS}`],
    ["withdrawn", "state = 'withdrawn', sent_at = NULL"],
  ])("of a mail that is %s is 409, and changes nothing", async (state, set) => {
    const mailId = await mailOf(orders.waiting, "alert", `sent_at = NULL, state = 'due'`);
    await mailOf(orders.waiting, "alert", set);
    const before = [rowOf(mailId), shop.db.read.all(AUDIT)];
    const { status, body } = await release(mailId);
    expect([status, body.detail]).toEqual([409, `the mail is ${state}: only a parked one is released`]);
    expect([rowOf(mailId), shop.db.read.all(AUDIT)]).toEqual(before);
  });

  test("with an Idempotency-Key is done once, and the kept answer holds no address", async () => {
    const mailId = await park(orders.guest, "receipt");
    const other = await park(orders.guest, "alert");
    const headers = { "idempotency-key": "a-double-click" };
    const first = await release(mailId, "admin", headers);
    const again = await release(mailId, "admin", headers);
    expect([first.status, again.status, again.text]).toEqual([200, 200, first.text]);
    const replayed = [first, again].map((answer) => answer.headers.get("idempotent-replayed"));
    expect(replayed).toEqual([null, "true"]);
    expect((await release(other, "admin", headers)).status).toBe(422);
    expect(rowOf(other)?.[0]).toBe("parked");
    expect((await release(mailId)).status).toBe(409);
    expect(
      shop.db.read.all("SELECT status, headers, body FROM idempotency WHERE key = 'a-double-click'"),
    ).toEqual([[200, "{}", null]]);
  });

  test("of two at once one is done", async () => {
    const mailId = await park(orders.guest, "alert");
    const before = shop.db.read.all(AUDIT).length;
    const answers = await Promise.all([release(mailId), release(mailId), release(mailId, "key")]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
    expect(shop.db.read.all(AUDIT)).toHaveLength(before + 1);
  });
});
