// The load generator: it sends every due request, counts waiting as response time, and reports every response.
import { expect, test } from "bun:test";
import { until } from "../../../db/until.ts";
import type { HttpResponse } from "./client.ts";
import { errorsText, inParallel, isFailure, openLoad } from "./load.ts";

const response = (status: number, failure: string | null = null): HttpResponse => ({
  status,
  failure,
  ms: 1,
  headers: new Headers(),
  text: "",
});

test("without a rate each request follows the response to the one before", async () => {
  let [inFlight, most, sent] = [0, 0, 0];
  const load = openLoad({
    rate: null,
    concurrency: 3,
    async send() {
      sent += 1;
      inFlight += 1;
      most = Math.max(most, inFlight);
      await Bun.sleep(1);
      inFlight -= 1;
      return response(200);
    },
  });
  await until("thirty responses", () => load.report().responses >= 30);
  const report = await load.stop();
  expect([most, inFlight]).toEqual([3, 0]);
  expect([report.sent, report.responses, report.statuses["200"]]).toEqual([sent, sent, sent]);
});

test("at a rate a request above the concurrency waits, and its waiting counts", async () => {
  const held = Promise.withResolvers<void>();
  const load = openLoad({
    rate: 1_000,
    concurrency: 2,
    windowMs: 10,
    async send(number) {
      if (number < 2) await held.promise;
      return response(200);
    },
  });
  const startedAt = performance.now();
  await until("100 ms", () => performance.now() - startedAt > 100);
  expect(load.report().sent).toBe(2);
  held.resolve();
  await until("sixty responses", () => load.report().responses >= 60);
  const { times, windows, responses } = await load.stop();
  // The third was due after 2 ms, and could not be sent before 100.
  expect(times.percentile(0.5)).toBeGreaterThan(20);
  expect(windows.reduce((sum, window) => sum + window.times.count(), 0)).toBe(responses);
  expect(windows.length).toBeGreaterThan(3);
});

test("every status and failure is counted, and failed requests also by window", async () => {
  const responses = [
    response(200),
    response(304),
    response(404),
    response(503),
    response(0, "ConnectionReset"),
  ];
  const seen: HttpResponse[] = [];
  const load = openLoad({
    rate: null,
    concurrency: 1,
    send: async (number) => {
      await Bun.sleep(0);
      const next = responses[number % 5] ?? response(0);
      seen.push(next);
      return next;
    },
  });
  await until("two rounds", () => load.report().responses >= 10);
  const report = await load.stop();
  expect(Object.keys(report.statuses).sort()).toEqual(["200", "304", "404", "503", "ConnectionReset"]);
  expect(errorsText(report).replace(/\d+(?=,|$)/g, "n")).toBe("304: n, 404: n, 503: n, ConnectionReset: n");
  expect(report.failed).toBe(seen.filter(isFailure).length);
  expect(report.windows.reduce((sum, window) => sum + window.failed, 0)).toBe(report.failed);
  expect([seen.length, report.failed > 0]).toEqual([report.responses, true]);
});

test("work in parallel runs once for each item, and no more at a time than allowed", async () => {
  let [running, most] = [0, 0];
  const done: number[] = [];
  await inParallel([1, 2, 3, 4, 5], 2, async (item) => {
    running += 1;
    most = Math.max(most, running);
    await Bun.sleep(1);
    running -= 1;
    done.push(item);
  });
  expect([done.sort(), most]).toEqual([[1, 2, 3, 4, 5], 2]);
});
