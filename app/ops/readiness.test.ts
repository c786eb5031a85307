// The details of /readyz?verbose: an outage of writing in plain words, and no password of the primary's address.
import { expect, test } from "bun:test";
import type { Outage } from "../../db/write/outage.ts";
import { openObservedShop } from "../testing/shop.ts";
import { readinessDetails } from "./readiness.ts";

test("shows why writes fail, since when and how many, and masks the primary's address", async () => {
  const outage: Outage = { reason: "read-only", error: "attempt to write", sinceMs: 0, writes: 7 };
  const shop = await openObservedShop([]);
  try {
    const details = readinessDetails({
      db: { writeQueue: () => ({ ...shop.db.writeQueue(), outage, failures: { "read-only": 7 } }) },
      cache: shop.cache,
      limits: shop.limits,
      counters: shop.counters,
      passwords: { state: () => ({ running: 0, waiting: 0, waitingKnown: 0, refused: 0 }) },
      loginThrottle: { state: () => ({ lines: 0, waiting: 0, refused: 0 }) },
      turns: shop.turns,
      payments: shop.payments,
      mail: shop.mail,
      status: {
        ...shop.status,
        replica: () => ({ primary: "http://user:word@primary:8080?authToken=abc", frame: 1 }),
      },
    });
    expect(details).toMatchObject({
      replica: { primary: "http://***@primary:8080?authToken=***", frame: 1 },
      writeDoor: {
        outage: {
          reason: "read-only",
          error: "attempt to write",
          since: "1970-01-01T00:00:00.000Z",
          failed: 7,
        },
        failures: { "read-only": 7 },
      },
    });
  } finally {
    await shop.close();
  }
});
