// The deliveries of the sandbox's events: like those of a gateway elsewhere, repeated until the shop has taken them.
import { messageOf } from "../../../../db/message.ts";
import type { Log } from "../../../log.ts";
import { SETTLED } from "./event.ts";

/** Delivers the text of an event. Rejects when the shop has not taken it. */
export type Deliver = (body: string) => Promise<unknown>;

type DeliveryOptions = {
  now(): number;
  log: Pick<Log, "warn">;
  wait(ms: number, signal: AbortSignal): Promise<unknown>;
};

export type Deliveries = {
  /** Delivers the event of a payment so many times at once, after a while. Returns at once. */
  add(id: string, when: { times: number; afterMs: number }): void;
  /** Sets the receiver of the events. */
  to(deliver: Deliver): void;
  /** Aborts when the deliveries are closed. */
  signal: AbortSignal;
  /** Gives up those that wait, and resolves when none is under way. */
  close(): Promise<void>;
};

const TRIES_MAX = 5;
const PAUSE_MS = 1_000;

/** Opens the deliveries; without a receiver events go nowhere. */
export function openDeliveries({ now, log, wait }: DeliveryOptions): Deliveries {
  const closing = new AbortController();
  const { signal } = closing;
  const underway = new Set<Promise<void>>();
  let deliver: Deliver = async () => undefined;

  const attempt = async (body: string, id: string): Promise<void> => {
    for (let tries = 1; !signal.aborted; tries += 1) {
      try {
        await deliver(body);
        return;
      } catch (thrown) {
        if (tries === TRIES_MAX) {
          log.warn("an event of the sandbox was not taken", { payment: id, error: messageOf(thrown) });
          return;
        }
        await pause(PAUSE_MS * tries);
      }
    }
  };
  /** Ends at once when the deliveries are closed. */
  const pause = (ms: number) => wait(ms, signal).catch(() => undefined);

  const run = async (id: string, times: number, afterMs: number): Promise<void> => {
    if (afterMs > 0) await pause(afterMs);
    const event = { id: `evt_${Bun.randomUUIDv7()}`, type: SETTLED, orderId: id };
    const body = JSON.stringify({ ...event, createdAt: new Date(now()).toISOString() });
    await Promise.all(Array.from({ length: times }, () => attempt(body, id)));
  };

  return {
    signal,
    add(id, { times, afterMs }) {
      if (times === 0 || signal.aborted) return;
      const delivery = run(id, times, afterMs).finally(() => underway.delete(delivery));
      underway.add(delivery);
    },
    to(receiver) {
      deliver = receiver;
    },
    async close() {
      closing.abort();
      await Promise.all(underway);
    },
  };
}
