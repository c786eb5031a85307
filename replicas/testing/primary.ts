// Shared by the tests of primaries and clusters: temporary folders, queries to a primary, and whether a process runs.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An empty temporary folder, and the function that removes it. */
export function openScratch(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "insole-primary-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Whether the process runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  const state = Bun.spawnSync(["ps", "-o", "stat=", "-p", String(pid)])
    .stdout.toString()
    .trim();
  return state !== "" && !state.startsWith("Z");
}

/** Sends a primary one statement; returns the first cell of the result, or the error. */
export async function queryPrimary(
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
