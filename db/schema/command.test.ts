// The command `bun run migrate` with a server in its settings that cannot be reached.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { freePort } from "../ports.ts";

test.each(["http", "https"])(
  "a server that cannot be reached by %s is named in one sentence",
  async (scheme) => {
    const url = `${scheme}://127.0.0.1:${freePort()}`;
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "command.ts")], {
      env: { PATH: process.env.PATH ?? "", DATABASE_URL: ` ${url} ` },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, error, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    expect([out, code]).toEqual(["", 1]);
    expect(error).toStartWith(`insole: ${url}: `);
    expect(error.trimEnd()).not.toContain("\n");
  },
);
