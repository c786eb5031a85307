// What the tests of primaries and clusters share: folders that go again, questions to a primary, and whether a process lives.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const WAIT_MS_MAX = 15_000;
const LOOK_EVERY_MS = 10;

/** An empty folder, and how to remove it. */
export function openScratch(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "insole-primary-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Waits until it holds; throws what was waited for when it does not within the deadline. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

/** Whether the process runs; one that has ended and that nobody has asked about yet does not. */
export function isAlive(pid: number): boolean {
  const state = Bun.spawnSync(["ps", "-o", "stat=", "-p", String(pid)])
    .stdout.toString()
    .trim();
  return state !== "" && !state.startsWith("Z");
}

/** Asks a primary one statement; the first cell of the answer, or what it refused with. */
export async function askPrimary(
  url: string,
  token: string,
  sql: string,
): Promise<{ status: number; cell: string | undefined; error: string | undefined }> {
  const response = await fetch(`${url}/v2/pipeline`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ requests: [{ type: "execute", stmt: { sql } }, { type: "close" }] }),
  });
  if (!response.ok) return { status: response.status, cell: undefined, error: await response.text() };
  const { results } = (await response.json()) as {
    results: {
      error?: { message: string; code: string };
      response?: { result: { rows: { value: string }[][] } };
    }[];
  };
  const [first] = results;
  return {
    status: response.status,
    cell: first?.response?.result.rows[0]?.[0]?.value,
    error: first?.error ? `${first.error.code} ${first.error.message}` : undefined,
  };
}
