// A flood of wide lists from one address, by a real read worker: another address still gets every search and every shoe.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Agent, get } from "node:http";
import { openTurns } from "../../../db/read/turns.ts";
import { openManualClock } from "../../../db/testing/turns.ts";
import { until } from "../../../db/until.ts";
import { request } from "../../../nginx/rows/client.ts";
import { type ObservedShop, openObservedShop, shoe } from "../../testing/shop.ts";

/** More than wait, so that some requests of the flood are refused at once and come again. */
const FLOOD = 300;
const WAITING_MAX = 256;
const CUSTOMER = "127.0.0.2";
const SHOES = 100;
const ROUNDS = 5;

let shop: ObservedShop;
beforeAll(async () => {
  // Nobody is late by this clock, so how fast the machine is decides nothing.
  const turns = () => openTurns({ runningMax: 2, waitingMax: WAITING_MAX, clock: openManualClock() });
  const drafts = Array.from({ length: SHOES }, (_, index) =>
    shoe(`s${index}`, { title: `Swift Shoe ${index}` }),
  );
  shop = await openObservedShop(drafts, false, { turns: { wide: turns(), primary: turns() } });
});
afterAll(() => shop.close());

// `fetch` opens 256 connections at most.
const agent = new Agent({ keepAlive: true, maxSockets: FLOOD });
const statusOf = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = get(shop.url + path, { agent }, (response) => {
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    sent.on("error", reject);
  });

// Other systems have no second loopback address without being told so.
test.skipIf(process.platform !== "linux")("another client's searches and shoes are 200", async () => {
  const statuses: number[] = [];
  let isOver = false;
  let sent = 0;
  const attack = async () => {
    while (!isOver) {
      const path = `/api/shoes?q=sw&facets=true&minPrice=1&maxPrice=${100 + sent++}&sort=name`;
      statuses.push(await statusOf(path));
    }
  };
  const attacks = Array.from({ length: FLOOD }, attack);
  try {
    await until("the flood has filled the queue", () => statuses.includes(503));
    for (let index = 0; index < ROUNDS; index += 1) {
      const paths = [`/api/shoes?q=shoe&maxPrice=${1_000 + index}`, `/api/shoes/s${index}`];
      for (const path of paths)
        expect([path, (await request(shop.url, { path, from: CUSTOMER })).status]).toEqual([path, 200]);
    }
  } finally {
    isOver = true;
    await Promise.all(attacks);
    agent.destroy();
  }
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  expect(shop.turns.wide.state()).toMatchObject({ running: 0, waiting: 0, clients: 0 });
});
