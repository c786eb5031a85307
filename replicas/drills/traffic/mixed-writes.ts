// Writes of every kind, sent to every node, with a ledger of what was told about each of them.
import type { Database } from "../../../db/database.ts";
import { type Finding, type Ledger, type Outcome, openLedger } from "../checks/ledger.ts";
import type { Cluster } from "../cluster.ts";
import { type Account, demoId, type HttpRequest, type HttpResponse, request } from "./client.ts";

/** One write: what can be counted of it in the end, and whether it has a key by which it may be sent again. */
type Write = { effect: string; ask: HttpRequest; hasKey: boolean };

export type MixedWrites = {
  ledger: Ledger;
  /** Does the next write; one with a key goes from node to node until its outcome is known. */
  send(): Promise<HttpResponse>;
  /** Answers that no client should get, by words; empty when all is well. */
  unexpected(): Map<string, number>;
  /** Writes with a key that were sent more than once. */
  repeated(): number;
  /** For each node since the call: when a write that was sent after it was acknowledged first, in milliseconds. */
  watch(): { firstMs(): (number | null)[] };
  /** Holds what the primary has now against the ledger. */
  check(): Promise<Finding>;
};

const PRICED = 200;
const STOCKED = 100;
const LIKED = 600;
const LIKED_FROM = PRICED + STOCKED + 1;
const KINDS = 5;
const TRY_AGAIN_MS = 100;
/** With a key one asks until one knows, but not for ever. */
const SETTLE_MS_MAX = 90_000;
const IMPATIENT_EVERY = 3;
const IMPATIENT_MS_MAX = 40;
const OK = 200;
const REFUSED = [503, 429];
const UNKNOWN = 504;
const UNDER_WAY = 409;

export type MixedWritesOptions = {
  /** The first is an admin. */
  people: Account[];
  /** Begins the titles and keys of these writes and of no others. */
  titlePrefix: string;
  /** Sees the answer to every try; `kind` is the first word of the effect. */
  onTry?(answer: HttpResponse, sentAt: number, kind: string): void;
};

/** Opens the writes, and notes what the primary has before the first. */
export async function openMixedWrites(
  cluster: Pick<Cluster, "nodes" | "database">,
  { people, titlePrefix, onTry }: MixedWritesOptions,
): Promise<MixedWrites> {
  const ledger = openLedger();
  const surprises = new Map<string, number>();
  const stocks = await stocksOf(cluster.database);
  const makes = await writesOf(cluster.database, people, titlePrefix);
  let [next, repeated] = [0, 0];
  let watches: ((node: number, sentAt: number) => void)[] = [];

  const tryOnce = async (
    node: number,
    write: Write,
    patienceMs?: number,
  ): Promise<{ answer: HttpResponse; fate: Outcome }> => {
    const sentAt = performance.now();
    const patience = patienceMs === undefined ? {} : { patienceMs };
    const answer = await request(cluster.nodes[node]?.url ?? "", { ...write.ask, ...patience });
    const [kind = ""] = write.effect.split(" ");
    const wasLeft = patienceMs !== undefined && answer.failure !== null;
    if (!wasLeft) onTry?.(answer, sentAt, write.hasKey ? `${kind} by key` : kind);
    const fate = fateOf(answer, write.hasKey);
    if (fate === "acknowledged") for (const tell of watches) tell(node, sentAt);
    if (fate === null) {
      const words = `${write.ask.method} ${kind}: ${answer.status} ${answer.text.slice(0, 160)}`;
      surprises.set(words, (surprises.get(words) ?? 0) + 1);
    }
    return { answer, fate: fate ?? "unknown" };
  };

  const send = async (): Promise<HttpResponse> => {
    const number = next;
    next += 1;
    const write = makes(number);
    const until = performance.now() + SETTLE_MS_MAX;
    for (let tries = 0; ; tries += 1) {
      const node = (number + tries) % cluster.nodes.length;
      const { answer, fate } = await tryOnce(node, write, impatienceOf(number, tries, write));
      ledger.note(write.effect, `${number}`, fate);
      const isLast = !write.hasKey || performance.now() > until;
      if (fate === "acknowledged" || isLast) return answer;
      if (tries === 0) repeated += 1;
      await Bun.sleep(Number(answer.headers.get("retry-after") ?? 0) * 1_000 || TRY_AGAIN_MS);
    }
  };

  return {
    ledger,
    send,
    unexpected: () => surprises,
    repeated: () => repeated,
    watch() {
      const from = performance.now();
      const first: (number | null)[] = cluster.nodes.map(() => null);
      watches = [
        (node, sentAt) => {
          if (sentAt >= from) first[node] ??= performance.now() - from;
        },
      ];
      return { firstMs: () => first };
    },
    check: async () => ledger.check(await effectsIn(cluster.database, stocks, titlePrefix)),
  };
}

/** Some clients leave before the answer comes, and send it again elsewhere: only the key tells that it was done. */
const impatienceOf = (number: number, tries: number, { hasKey }: Write): number | undefined =>
  hasKey && tries === 0 && number % IMPATIENT_EVERY === 0 ? 1 + (number % IMPATIENT_MS_MAX) : undefined;

/** `null`: an answer that nobody should get. */
function fateOf({ status, failure }: HttpResponse, hasKey: boolean): Outcome | null {
  if (status >= OK && status < 300) return "acknowledged";
  if (REFUSED.includes(status)) return "refused";
  if (status === UNKNOWN || failure !== null) return "unknown";
  // The same key on another node.
  return status === UNDER_WAY && hasKey ? "unknown" : null;
}

async function writesOf(db: Database, people: Account[], mark: string): Promise<(number: number) => Write> {
  const [admin] = people;
  const token = admin?.token ?? "";
  const sizes = new Map(
    (
      await rowsOf(
        db,
        "SELECT s.shoe_id, z.size FROM sizes AS z JOIN shoes AS s ON s.id = z.shoe WHERE position = 0",
      )
    ).map(([shoeId, size]) => [String(shoeId), String(size)]),
  );
  const withKey = (number: number) => ({ "idempotency-key": `${mark} ${number}` });
  const title = (number: number) => `${mark} ${number}`;
  const kinds: ((number: number, turn: number) => Write)[] = [
    (_, turn) => {
      const shoeId = demoId(1 + (turn % PRICED));
      const body = { price: (1_000 + (turn % 90_000)) / 100 };
      return {
        effect: `replaced ${shoeId}`,
        ask: { method: "PUT", path: `/api/products/${shoeId}`, token, body },
        hasKey: false,
      };
    },
    (number, turn) => {
      const shoeId = demoId(PRICED + 1 + (turn % STOCKED));
      const body = { size: sizes.get(shoeId) ?? "", delta: 1 };
      const path = `/api/shoes/${shoeId}/stock`;
      return {
        effect: `stock ${shoeId}`,
        ask: { method: "POST", path, token, body, headers: withKey(number) },
        hasKey: true,
      };
    },
    (_, turn) => {
      const shoeId = demoId(LIKED_FROM + (turn % LIKED));
      const person = people[Math.floor(turn / LIKED) % people.length];
      const path = `/api/shoes/${shoeId}/likes/${person?.id}`;
      return {
        effect: `like ${shoeId} ${person?.id}`,
        ask: { method: "POST", path, token: person?.token ?? "" },
        hasKey: false,
      };
    },
    (number) => ({
      effect: `title ${title(number)}`,
      ask: {
        method: "POST",
        path: "/api/shoes",
        token,
        headers: withKey(number),
        body: { title: title(number), price: 10 },
      },
      hasKey: true,
    }),
    (number) => ({
      effect: `title ${title(number)}`,
      ask: { method: "POST", path: "/api/shoes", token, body: { title: title(number), price: 10 } },
      hasKey: false,
    }),
  ];
  return (number) => {
    const make = kinds[number % KINDS];
    if (!make) throw new RangeError(`there is no write ${number}`);
    return make(number, Math.floor(number / KINDS));
  };
}

const rowsOf = async (db: Database, sql: string, args: string[] = []) =>
  (await db.scan([{ sql, args }]))[0] ?? [];

async function stocksOf(db: Database): Promise<Map<string, number>> {
  const rows = await rowsOf(db, "SELECT shoe_id, stock FROM shoes");
  return new Map(rows.map(([shoeId, stock]) => [String(shoeId), Number(stock)]));
}

/** Every effect at the primary, counted. */
async function effectsIn(
  db: Database,
  stocks: Map<string, number>,
  mark: string,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const replaced = "SELECT subject, count(*) FROM audit WHERE action = 'shoe.replace' GROUP BY subject";
  for (const [shoeId, times] of await rowsOf(db, replaced)) found.set(`replaced ${shoeId}`, Number(times));
  for (const [shoeId, stock] of await stocksOf(db)) {
    const added = stock - (stocks.get(shoeId) ?? stock);
    if (added !== 0) found.set(`stock ${shoeId}`, added);
  }
  const likes = "SELECT s.shoe_id, l.user_id FROM likes AS l JOIN shoes AS s ON s.id = l.shoe";
  for (const [shoeId, userId] of await rowsOf(db, likes)) found.set(`like ${shoeId} ${userId}`, 1);
  const titles = "SELECT title, count(*) FROM shoes WHERE title LIKE ? || ' %' GROUP BY title";
  for (const [title, times] of await rowsOf(db, titles, [mark])) found.set(`title ${title}`, Number(times));
  const miscounted = `SELECT s.shoe_id, s.likes, count(l.shoe) FROM shoes AS s LEFT JOIN likes AS l ON l.shoe = s.id
GROUP BY s.id HAVING s.likes <> count(l.shoe)`;
  for (const [shoeId, counted, rows] of await rowsOf(db, miscounted))
    found.set(`counter of likes of ${shoeId} says ${counted}, there are ${rows}`, 1);
  return found;
}
