// Load: what is due is sent, waiting counts, and every answer is in the report.
import { expect, test } from "bun:test";
import { until } from "../drill.ts";
import type { Answer } from "./client.ts";
import { isBad, openLoad } from "./load.ts";

const answer = (status: number, failure: string | null = null): Answer => ({
  status,
  failure,
  ms: 1,
  headers: new Headers(),
  text: "",
});
const WAIT_MS = 10_000;

test("without a rate each lane sends its next request when the last was answered", async () => {
  let [underway, most, sent] = [0, 0, 0];
  const load = openLoad({
    rate: null,
    lanes: 3,
    async send() {
      sent += 1;
      underway += 1;
      most = Math.max(most, underway);
      await Bun.sleep(1);
      underway -= 1;
      return answer(200);
    },
  });
  await until("thirty answers", WAIT_MS, () => load.report().answered >= 30);
  const report = await load.stop();
  expect([most, underway]).toEqual([3, 0]);
  expect([report.sent, report.answered, report.statuses["200"]]).toEqual([sent, sent, sent]);
});

test("at a rate what cannot be sent yet waits, and its waiting counts", async () => {
  const held = Promise.withResolvers<void>();
  const load = openLoad({
    rate: 1_000,
    lanes: 2,
    windowMs: 10,
    async send(number) {
      if (number < 2) await held.promise;
      return answer(200);
    },
  });
  const startedAt = performance.now();
  await until("a while", WAIT_MS, () => performance.now() - startedAt > 100);
  expect(load.report().sent).toBe(2);
  held.resolve();
  await until("the rest", WAIT_MS, () => load.report().answered >= 60);
  const { times, windows, answered } = await load.stop();
  // The third was due after 2 ms, and could not go before 100.
  expect(times.at(0.5)).toBeGreaterThan(20);
  expect(windows.reduce((sum, { count }) => sum + count, 0)).toBe(answered);
  expect(windows.length).toBeGreaterThan(3);
});

test("every status and every failure is counted, and what is bad also by windows", async () => {
  const answers = [answer(200), answer(304), answer(404), answer(503), answer(0, "ConnectionReset")];
  const seen: Answer[] = [];
  const load = openLoad({
    rate: null,
    lanes: 1,
    onAnswer: (each: Answer) => void seen.push(each),
    send: async (number) => {
      await Bun.sleep(0);
      return answers[number % 5] ?? answer(0);
    },
  });
  await until("two rounds", WAIT_MS, () => load.report().answered >= 10);
  const { statuses, bad, windows, answered } = await load.stop();
  expect(Object.keys(statuses).sort()).toEqual(["200", "304", "404", "503", "ConnectionReset"]);
  expect(bad).toBe(seen.filter(isBad).length);
  expect(windows.reduce((sum, window) => sum + window.bad, 0)).toBe(bad);
  expect([seen.length, bad > 0]).toEqual([answered, true]);
});
