// The lines of the driver itself: none in the output of a program, and all of them for an operator who asks for them.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "insole-driver-log-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A primary that refuses in the way for which the driver writes a line. */
const primary = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch({ url }) {
    if (url.endsWith("/info")) return new Response(null, { status: 404 });
    const headers = { "grpc-status": "7", "content-type": "application/grpc-web+proto" };
    return new Response(null, { headers });
  },
});
afterAll(() => primary.stop(true));

test.each([
  [undefined, ""],
  ["error", "ERROR"],
])("with RUST_LOG %s", async (level, expected) => {
  const program = join(folder, "program.ts");
  writeFileSync(
    program,
    `import Libsql from "${join(import.meta.dir, "driver.ts")}";
try {
  new Libsql(process.argv[2], { syncUrl: process.argv[3], authToken: "" }).sync();
} catch {}`,
  );
  const { RUST_LOG: _, ...env } = process.env;
  const child = Bun.spawn([process.execPath, program, join(folder, `${level}.db`), primary.url.origin], {
    env: { ...env, ...(level ? { RUST_LOG: level } : {}) },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect(await child.exited).toBe(0);
  if (expected === "") expect(out + err).toBe("");
  else expect(out + err).toContain(expected);
});
