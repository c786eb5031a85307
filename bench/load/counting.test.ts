// The responses that count as acknowledged orders, by load.
import { expect, test } from "bun:test";
import { openChildren } from "../harness/children.ts";
import { quickBench, runOf } from "../testing/bench.ts";
import { countingBench } from "./counting.ts";
import type { Load, Oha } from "./oha.ts";

const run = runOf({ "201": 7, "500": 1, "504": 2 }, { "connection reset": 5 });
const oha: Oha = {
  version: "test",
  send: async () => run,
  together: async (loads) => loads.map(() => run),
  keepRate: (_rate, once) => once(),
  // As one that discards its first run.
  measure: async (load, around) => {
    await around(() => oha.send(load));
    return around(() => oha.send(load));
  },
};
const load = (post: Load["post"]): Load => ({
  target: { url: "http://shop" },
  connections: 3,
  seconds: 1,
  rate: null,
  encoding: "identity",
  cores: null,
  ...(post ? { post } : {}),
});
const [orders, others] = [
  load({ bodiesPath: "/tmp/orders.bodies" }),
  load({ bodiesPath: "/tmp/registrations.bodies" }),
];

test("orders are counted in every way that they are sent, also in runs that are discarded; other loads are not", async () => {
  const children = openChildren();
  const { bench, acknowledged } = countingBench(quickBench(children, { oha }));
  const sender = bench.oha as Oha;
  const around = async (send: () => Promise<typeof run>) => ({ run: await send() });
  await sender.send(orders);
  await sender.together([others, orders]);
  await sender.measure(orders, around);
  await sender.measure(others, around);
  await sender.send(load(undefined));
  expect(acknowledged()).toEqual({ created: 4 * 7, openMax: 4 * (3 + 2 + 5) });
  await children.close();
});
