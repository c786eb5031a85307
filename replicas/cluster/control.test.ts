// The control of a running cluster: who may use it, and what the second terminal gets.
import { afterAll, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { openScratch } from "../testing/primary.ts";
import { openControl, sendControl } from "./control.ts";
import { openFolder } from "./folder.ts";
import type { Control } from "./options.ts";

const KILL: Control = { verb: "kill", targets: ["1"], restart: false, json: false };
const scratch = openScratch();
afterAll(scratch.remove);
const folder = openFolder(scratch.path);

test("only a request with the secret of the folder is carried out", async () => {
  const performed: Control[] = [];
  const control = openControl(folder, async (each) => {
    performed.push(each);
    return ["node-1: down"];
  });
  const { url, token } = JSON.parse(readFileSync(folder.controlFile, "utf8"));
  const send = async (headers: Record<string, string>) =>
    (await fetch(url, { method: "POST", headers, body: JSON.stringify(KILL) })).status;
  expect(await send({})).toBe(401);
  expect(await send({ authorization: token })).toBe(401);
  expect(await send({ authorization: `Bearer ${crypto.randomUUID()}` })).toBe(401);
  expect(performed).toEqual([]);
  expect(await sendControl(folder, KILL)).toEqual(["node-1: down"]);
  expect(performed).toEqual([KILL]);
  expect(statSync(folder.controlFile).mode & 0o777).toBe(0o600);
  control.close();
  await expect(sendControl(folder, KILL)).rejects.toThrow(`no cluster runs in ${folder.root}`);
});

test("controls are carried out one after the other, also after a refused one; the status is answered at once", async () => {
  const held = Promise.withResolvers<void>();
  const order: string[] = [];
  const control = openControl(folder, async ({ verb, targets: [target = ""] }) => {
    if (target === "1") await held.promise;
    order.push(`${verb} ${target}`.trim());
    if (target === "1") throw new Error("there is no node-1");
    return [];
  });
  const first = sendControl(folder, KILL).catch((thrown: Error) => thrown.message);
  const second = sendControl(folder, { ...KILL, targets: ["2"] });
  await sendControl(folder, { ...KILL, verb: "status", targets: [] });
  held.resolve();
  expect(await first).toBe("there is no node-1");
  await second;
  expect(order).toEqual(["status", "kill 1", "kill 2"]);
  control.close();
});
