// Counters: a response belongs to the first bucket whose upper end is not below its time.
import { expect, test } from "bun:test";
import type { RouteFacts } from "../http/routing.ts";
import { BUCKET_SECONDS, openCounters } from "./counters.ts";

const route: RouteFacts = {
  name: "/x",
  isThere: true,
  isPublic: false,
  hasClient: true,
  counts: "free",
  event: null,
};

test.each([
  [0, 0],
  [1, 0],
  [1.001, 1],
  [5, 2],
  [1_000, 9],
  [5_000, 11],
  [5_000.1, 12],
])("a response of %d ms belongs to bucket %d", (ms, bucket) => {
  const counters = openCounters();
  counters.add("GET", route, new Response(), ms);
  const [series] = counters.state().series;
  expect(series).toMatchObject({
    route: "/x",
    method: "GET",
    status: "2xx",
    count: 1,
    sumSeconds: ms / 1_000,
  });
  expect(series?.buckets).toEqual(
    Array.from({ length: BUCKET_SECONDS.length + 1 }, (_, index) => Number(index === bucket)),
  );
});

test("a method that no route has is counted as other", () => {
  const counters = openCounters();
  for (const method of ["PROPFIND", "BREW"])
    counters.add(method, route, new Response(null, { status: 405 }), 1);
  expect(counters.state().series).toMatchObject([{ method: "other", status: "4xx", count: 2 }]);
});

test("a hang-up has a class of its own, and what the request did is counted", () => {
  const counters = openCounters();
  const login: RouteFacts = { ...route, event: "login" };
  counters.add("POST", login, new Response(), 1, 499);
  counters.add("POST", login, new Response(null, { status: 401 }), 1, 499);
  const { series, events } = counters.state();
  expect(series).toMatchObject([{ status: "499", count: 2 }]);
  expect(events).toMatchObject({ logins: 1, login_failures: 1 });
});
