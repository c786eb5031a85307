// A small run of `bun run mails`, on one file.
import { expect, test } from "bun:test";
import { runMails } from "./mails.ts";

test("80 orders, the sender killed twice, a third of the tries failing: every receipt arrives", async () => {
  const { trouble, acknowledged, arrived, repeats, lost, kills } = await runMails({
    orders: 80,
    kills: 2,
    failShare: 0.33,
    nodes: 0,
    progress: () => undefined,
  });
  expect(trouble).toEqual([]);
  expect({ acknowledged, arrived, lost, kills }).toEqual({
    acknowledged: 80,
    arrived: 80,
    lost: 0,
    kills: 2,
  });
  expect(repeats).toBeLessThanOrEqual(kills);
}, 90_000);
