// Runs the commands of the README's quick start as they are written.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openTestShop, type TestShop } from "./testing/shop.ts";

const ROOT = join(import.meta.dir, "..");
const SECTION = /## First five minutes\n[\s\S]*?```sh\n([\s\S]*?)```/;
const PATIENCE_MS = 60_000;

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop([], { DEMO: "true" });
}, PATIENCE_MS);
afterAll(() => shop.close());

test(
  "the first five minutes",
  async () => {
    const script = SECTION.exec(readFileSync(join(ROOT, "README.md"), "utf8"))?.[1] ?? "";
    expect(script).toContain("curl");
    const command = Bun.spawn(["bash", "-euo", "pipefail", "-c", script], {
      cwd: ROOT,
      env: { ...process.env, SHOP: shop.url, DATA_DIR: dirname(shop.databasePath) },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [written, complaints, exitCode] = await Promise.all([
      new Response(command.stdout).text(),
      new Response(command.stderr).text(),
      command.exited,
    ]);
    expect([exitCode, complaints]).toEqual([0, expect.any(String)]);
    expect(written).toContain("ada@shop.example is now an admin");
    const [registered, added, liked, popular] = written
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
    expect(registered).toMatchObject({ user: { email: "ada@shop.example", role: "customer" } });
    expect(added).toMatchObject({
      data: { id: "ada-1", title: "Ada Runner", price: 129.99, stock: 3, likes: 0 },
    });
    expect(liked).toMatchObject({ data: { shoeId: "ada-1", likes: 1, created: true } });
    expect(popular).toMatchObject({ data: [{ id: "ada-1", likes: 1 }] });
  },
  PATIENCE_MS,
);
