// How sqld is ended.
import { afterAll, expect, test } from "bun:test";
import { until } from "../../db/until.ts";
import { openScratch } from "../testing/primary.ts";
import { openChildren } from "./children.ts";
import { endSqld } from "./sqld.ts";

const scratch = openScratch();
const children = openChildren();
afterAll(async () => {
  await children.close();
  scratch.remove();
});

test("a program that loses the first SIGTERM is ended by the next", async () => {
  const child = children.start(
    ["sh", "-c", "trap 'trap - TERM' TERM; touch ready; while :; do sleep 0.01; done"],
    { cwd: scratch.path, env: { PATH: process.env.PATH ?? "" } },
  );
  await until("the program waits for signals", () => Bun.file(`${scratch.path}/ready`).exists());
  const killedAfterMs = 15_000;
  const startedAtMs = performance.now();
  await endSqld(child, children, killedAfterMs);
  expect(performance.now() - startedAtMs).toBeLessThan(killedAfterMs);
});
