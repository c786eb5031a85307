// The signing secret that is made when the settings give none: stored, readable by its owner only, one for all processes.
import { afterAll, expect, test } from "bun:test";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { readConfig } from "../config.ts";
import { main } from "../main.ts";
import { ask, signUp } from "../testing/people.ts";
import { openFolder, openTestShop, silentLog } from "../testing/shop.ts";
import { prepareSecrets } from "./secrets.ts";

const folder = openFolder();
let made = 0;
async function emptyFolder(): Promise<string> {
  const path = join(folder.path, String(++made));
  await mkdir(path);
  return path;
}
afterAll(folder.remove);

test("secrets of the settings are used, and none is stored", async () => {
  const path = await emptyFolder();
  expect(prepareSecrets(["a", "b"], path, "production")).toEqual(["a", "b"]);
  expect(readdirSync(path)).toEqual([]);
});

test("production requires a secret in the settings", async () => {
  const path = await emptyFolder();
  expect(() => prepareSecrets([], path, "production")).toThrow(
    new Error("JWT_SECRET is not set: production requires a secret of 32 bytes or more"),
  );
  await expect(openTestShop([], { NODE_ENV: "production" })).rejects.toThrow("JWT_SECRET is not set");
});

test("a node requires a secret in the settings, because all nodes have the same", async () => {
  const path = await emptyFolder();
  // A folder cannot be the replica: with a secret this start would fail at once, too.
  const replica = join(path, "folder");
  await mkdir(replica);
  const config = readConfig({ DATABASE_URL: "http://127.0.0.1:9", DATA_DIR: path, REPLICA_PATH: replica });
  await expect(main(config, silentLog)).rejects.toThrow(
    new Error("JWT_SECRET is not set: a node (all nodes the same) requires a secret of 32 bytes or more"),
  );
  expect(readdirSync(path)).toEqual(["folder"]);
});

test("a secret is made once, and only its owner can read the file", async () => {
  const path = await emptyFolder();
  const [secret = ""] = prepareSecrets([], path);
  expect(Buffer.from(secret, "base64url")).toHaveLength(48);
  expect(prepareSecrets([], path)).toEqual([secret]);
  expect(readdirSync(path)).toEqual(["jwt-secret"]);
  expect(statSync(join(path, "jwt-secret")).mode & 0o777).toBe(0o600);
  expect(prepareSecrets([], await emptyFolder())).not.toEqual([secret]);
});

test("a truncated secret file is refused", async () => {
  const path = await emptyFolder();
  writeFileSync(join(path, "jwt-secret"), "short");
  expect(() => prepareSecrets([], path)).toThrow("is too short: remove the file");
});

test("processes that start at the same time share one secret", async () => {
  const path = await emptyFolder();
  const script = `import { prepareSecrets } from ${JSON.stringify(join(import.meta.dir, "secrets.ts"))};
    process.stdout.write(prepareSecrets([], ${JSON.stringify(path)})[0] ?? "");`;
  const processes = Array.from({ length: 4 }, () =>
    Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" }),
  );
  const secrets = await Promise.all(processes.map(({ stdout }) => new Response(stdout).text()));
  expect(new Set(secrets).size).toBe(1);
  expect(secrets[0]).toHaveLength(64);
});

test("tokens stay valid across restarts and a rotation of secrets", async () => {
  const [older, newer] = ["o".repeat(32), "n".repeat(32)];
  const data = await emptyFolder();
  const settingsWith = (secrets: string) => ({ DATA_DIR: data, JWT_SECRET: secrets });
  const first = await openTestShop([], settingsWith(older));
  const { token } = await signUp(first);
  await first.close();
  const statusWith = async (secrets: string) => {
    const shop = await openTestShop([], settingsWith(secrets));
    const { status } = await ask(shop, "GET", "/api/auth/profile", { token });
    await shop.close();
    return status;
  };
  expect([await statusWith(`${newer},${older}`), await statusWith(newer), await statusWith("")]).toEqual([
    200, 401, 401,
  ]);
});
