// Writes of every kind, sent to every node, with a ledger of what their clients know about each of them.

import { must } from "../../../db/must.ts";
import { until } from "../../../db/until.ts";
import { type Finding, type Ledger, type Outcome, openLedger } from "../checks/ledger.ts";
import type { Cluster } from "../cluster.ts";
import { type Account, type HttpResponse, request } from "./client.ts";
import { countEffects, readStocks, type Write, writesOf } from "./write-kinds.ts";

type MixedWritesOptions = {
  /** The first is an admin. */
  accounts: [Account, ...Account[]];
  /** Begins the titles and keys of these writes and of no others. */
  titlePrefix: string;
  /** Sees the response to every try, unless the client gave up early by intent. */
  onResponse?(response: HttpResponse, sentAt: number, kind: string): void;
};

export type MixedWrites = {
  ledger: Ledger;
  /** Sends the next write; one with a key goes from node to node until it is acknowledged. */
  send(): Promise<HttpResponse>;
  /** Responses that no client should get, as text. */
  unexpected: readonly string[];
  /** How many writes with a key were sent more than once. */
  repeated(): number;
  /** Waits until every node has acknowledged a write sent after this call; returns the milliseconds of each. */
  untilEveryNodeWrites(msMax: number): Promise<number[]>;
  /** Compares what the primary holds now with the ledger. */
  check(): Promise<Finding>;
};

const RETRY_MS = 100;
/** A write with a key is repeated for so long at most. */
const SETTLE_MS_MAX = 90_000;
/** Every third client of a write with a key gives up within 40 ms and sends it again elsewhere. */
const EARLY_EVERY = 3;
const EARLY_MS_MAX = 40;
const REFUSED = [503, 429];
const UNKNOWN = 504;
const UNDER_WAY = 409;

/** Reads what the primary holds before the first write. */
export async function openMixedWrites(
  cluster: Cluster,
  { accounts, titlePrefix, onResponse }: MixedWritesOptions,
): Promise<MixedWrites> {
  const ledger = openLedger();
  const unexpected: string[] = [];
  const stocksBefore = await readStocks(cluster.database);
  const writeOf = await writesOf(cluster.database, accounts, titlePrefix);
  let [next, repeated] = [0, 0];
  let onAcknowledged = (_node: number, _sentAt: number): void => {};

  const tryOnce = async (node: number, write: Write, timeoutMs?: number) => {
    const sentAt = performance.now();
    const response = await request(must(cluster.nodes[node], "the node").url, {
      ...write.request,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    const gaveUp = timeoutMs !== undefined && response.failure !== null;
    if (!gaveUp) onResponse?.(response, sentAt, write.hasKey ? `${write.kind} by key` : write.kind);
    const outcome = outcomeOf(response, write.hasKey);
    if (outcome === "acknowledged") onAcknowledged(node, sentAt);
    if (outcome === null)
      unexpected.push(
        `${write.request.method} ${write.kind}: ${response.status} ${response.text.slice(0, 160)}`,
      );
    return { response, outcome: outcome ?? ("unknown" as const) };
  };

  return {
    ledger,
    async send() {
      const number = next;
      next += 1;
      const write = writeOf(number);
      const givesUpAt = performance.now() + SETTLE_MS_MAX;
      for (let tries = 0; ; tries += 1) {
        const node = (number + tries) % cluster.nodes.length;
        const { response, outcome } = await tryOnce(node, write, earlyTimeoutMs(number, tries, write));
        ledger.note(write.effect, `${number}`, outcome);
        if (outcome === "acknowledged" || !write.hasKey || performance.now() > givesUpAt) return response;
        if (tries === 0) repeated += 1;
        await Bun.sleep(Number(response.headers.get("retry-after") ?? 0) * 1_000 || RETRY_MS);
      }
    },
    unexpected,
    repeated: () => repeated,
    async untilEveryNodeWrites(msMax) {
      const from = performance.now();
      const firstMs = new Map<number, number>();
      onAcknowledged = (node, sentAt) => {
        if (sentAt >= from && !firstMs.has(node)) firstMs.set(node, performance.now() - from);
      };
      await until("every node writes again", () => firstMs.size === cluster.nodes.length, msMax);
      return [...firstMs.values()];
    },
    check: async () => ledger.check(await countEffects(cluster.database, stocksBefore, titlePrefix)),
  };
}

/** Only by the key do these clients learn whether their first try was done. */
const earlyTimeoutMs = (number: number, tries: number, { hasKey }: Write): number | undefined =>
  hasKey && tries === 0 && number % EARLY_EVERY === 0 ? 1 + (number % EARLY_MS_MAX) : undefined;

/** `null`: a response that no client should get. */
function outcomeOf({ status, failure }: HttpResponse, hasKey: boolean): Outcome | null {
  if (status >= 200 && status < 300) return "acknowledged";
  if (REFUSED.includes(status)) return "refused";
  if (status === UNKNOWN || failure !== null) return "unknown";
  // Another node works on the same key.
  return status === UNDER_WAY && hasKey ? "unknown" : null;
}
