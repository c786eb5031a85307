// The receipts that have arrived: how many, and when each came first.
import { must } from "../../../db/must.ts";
import type { ReceivedMail } from "../mail-server.ts";
import type { Bought } from "./customers.ts";

export type Arrivals = {
  count(): number;
  /** Resolves when so many receipts have arrived; false: none came for long. */
  reached(count: number): Promise<boolean>;
  /** From the answers to the orders to their receipts, in ms, from the quickest on. */
  delaysOf(bought: ReadonlyMap<string, Bought>): number[];
  close(): void;
};

const LOOK_MS = 10;
/** Without one more receipt: longer than an absence of the server, a lease and a start. */
const STILL_MS_MAX = 60_000;

/** Watches what a mail server accepts; `received` answers with the mails from this place on. */
export function openArrivals(received: (from: number) => ReceivedMail[]): Arrivals {
  const firstMs = new Map<string, number>();
  let seen = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const more = received(seen);
    seen += more.length;
    const nowMs = performance.now();
    if (more.length > 0) lastMs = nowMs;
    for (const { messageId } of more) {
      const id = orderIdOf(messageId);
      if (id !== null && !firstMs.has(id)) firstMs.set(id, nowMs);
    }
  }, LOOK_MS);
  return {
    count: () => firstMs.size,
    async reached(count) {
      while (firstMs.size < count) {
        if (performance.now() - lastMs > STILL_MS_MAX) return false;
        await Bun.sleep(LOOK_MS);
      }
      return true;
    },
    delaysOf: (bought) =>
      [...firstMs]
        .filter(([id]) => bought.has(id))
        .map(([id, ms]) => Math.max(0, ms - must(bought.get(id), "the order").atMs))
        .sort((a, b) => a - b),
    close: () => clearInterval(timer),
  };
}

/** The order that a receipt's Message-ID names; `null` for what is no receipt. */
export const orderIdOf = (messageId: string): string | null =>
  /^<receipt\.0\.([^@]+)@shop\.example>$/.exec(messageId)?.[1] ?? null;
