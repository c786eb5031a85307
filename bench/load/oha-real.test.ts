// The real oha: several loads at once, and the repetition of slow runs.
import { afterAll, expect, test } from "bun:test";
import { openChildren } from "../harness/children.ts";
import { findOha, type Load, openOha, RateNotReached } from "./oha.ts";

const children = openChildren();
const path = findOha();
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const isBad = new URL(request.url).pathname === "/bad";
    await request.text();
    return new Response(null, { status: isBad ? 503 : 201 });
  },
});

afterAll(async () => {
  await children.close();
  await server.stop(true);
});

const loadOf = (where: string): Load => ({
  target: { url: server.url.href + where },
  connections: 2,
  seconds: 1,
  rate: 20,
  encoding: "identity",
  post: { body: "{}" },
  cores: null,
});

// CI installs oha.
test.skipIf(path === null)("runs are returned in the order of their loads, with bad responses", async () => {
  const oha = await openOha(path ?? "", children, { mustKeepRate: true, log: () => {} });
  const [good, bad] = await oha.together([loadOf("good"), loadOf("bad")]);
  expect(Object.keys(good?.statuses ?? {})).toEqual(["201"]);
  expect(Object.keys(bad?.statuses ?? {})).toEqual(["503"]);
});

test.skipIf(path === null)("a run below its rate is measured three times, any other once", async () => {
  const logged: string[] = [];
  const oha = await openOha(path ?? "", children, { mustKeepRate: true, log: (line) => logged.push(line) });
  let tries = 0;
  const once = async () => {
    tries += 1;
    return { run: { perSecond: 97 } };
  };
  expect(await oha.keepRate(98, once)).toEqual({ run: { perSecond: 97 } });
  expect(tries).toBe(1);
  await expect(oha.keepRate(100, once)).rejects.toThrow(RateNotReached);
  expect(tries).toBe(4);
  expect(logged).toHaveLength(2);
});
