// Notices to a door that requests wait: one for a burst, the newest position in the end, and no trouble without a door.
import { afterAll, beforeEach, expect, test } from "bun:test";
import type { Position } from "../../db/database.ts";
import { freePort } from "../../db/ports.ts";
import { until } from "../../db/until.ts";
import { openNotices } from "./notices.ts";

const told: Position[] = [];
let answer: () => Promise<Response> | Response;
const door = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    expect(new URL(request.url).pathname).toBe("/v1/waiting");
    expect(request.headers.get("authorization")).toBe("Bearer read");
    told.push((await request.json()) as Position);
    return answer();
  },
});
const server = { url: door.url.origin, authToken: "read" };
beforeEach(() => {
  told.length = 0;
  answer = () => new Response(null, { status: 204 });
});
afterAll(() => door.stop(true));

const at = (seq: number, generation = "one"): Position => ({ generation, seq });

test("a burst of requests is two notices at most, the last of the newest position", async () => {
  const notices = openNotices(server);
  for (let seq = 1; seq <= 100; seq += 1) notices.tell(at(seq));
  for (let seq = 1; seq <= 100; seq += 1) notices.tell(at(seq));
  await until("the newest position is told", () => told.at(-1)?.seq === 100);
  expect(told).toEqual([at(1), at(100)]);
});

test("a later request is told again, and so is one of another generation", async () => {
  const notices = openNotices(server);
  notices.tell(at(5));
  await until("the first notice", () => told.length > 0);
  await until("the next notice", () => {
    notices.tell(at(5));
    return told.length > 1;
  });
  notices.tell(at(1, "two"));
  await until("the notice of the other generation", () => told.at(-1)?.generation === "two");
  expect(new Set(told.slice(0, -1).map(({ seq }) => seq))).toEqual(new Set([5]));
});

test("one notice is under way at a time, and a door that refuses is told again", async () => {
  const held = Promise.withResolvers<Response>();
  answer = () => held.promise;
  const notices = openNotices(server);
  notices.tell(at(1));
  await until("the first notice", () => told.length > 0);
  notices.tell(at(2));
  await Bun.sleep(50);
  expect(told).toEqual([at(1)]);
  held.resolve(new Response(null, { status: 503 }));
  await until("the next notice", () => told.length > 1);
  expect(told).toEqual([at(1), at(2)]);
});

test("nothing is thrown, nor rejected, where no door is", async () => {
  const notices = openNotices({ url: `http://127.0.0.1:${freePort()}`, authToken: "" });
  notices.tell(at(1));
  await Bun.sleep(50);
  notices.tell(at(2));
  expect(told).toEqual([]);
});
