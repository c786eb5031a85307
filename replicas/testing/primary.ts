// Shared by the tests of primaries and clusters: temporary folders, queries to sqld behind the door, and processes.
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import type { DoorMessage, SqldLife } from "../primary/door/messages.ts";

/** A listening socket, and the address 127.0.0.1, as the system writes them. */
const LISTENS = "0A";
const LOOPBACK = "0100007F";

/** A program in place of the door, for tests that need no real one. */
export const MADE_UP_DOOR = [process.execPath, join(import.meta.dir, "made-up-door.ts")];

/** The process behind a made-up door, and what it was told; undefined while it does not listen. */
export async function toldTo(url: string): Promise<{ pid: number; told: DoorMessage[] } | undefined> {
  const options = { keepalive: false, tls: { rejectUnauthorized: false } };
  const response = await fetch(`${url}/told`, options).catch(() => undefined);
  return (await response?.json()) as { pid: number; told: DoorMessage[] } | undefined;
}

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

/** The addresses that the process listens on, as `127.0.0.1:8080`; Linux only. */
export function listeners(pid: number): string[] {
  const inodes = readdirSync(`/proc/${pid}/fd`).map((fd) => socketOf(`/proc/${pid}/fd/${fd}`));
  const rows = ["tcp", "tcp6"].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, "utf8").trim().split("\n").slice(1),
  );
  return rows.flatMap((row) => {
    const [, local = "", , state, , , , , , inode] = row.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    const isOwn = state === LISTENS && inodes.includes(inode);
    return isOwn ? [`${address === LOOPBACK ? "127.0.0.1" : address}:${Number.parseInt(port, 16)}`] : [];
  });
}
/** The number of the socket behind a descriptor; undefined for another kind, and for one that was closed meanwhile. */
function socketOf(path: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1];
  } catch {
    return undefined;
  }
}

/** Sends sqld one statement with the tokens of its life, and answers as `queryPrimary`. */
export function querySqld(
  primary: { life(): SqldLife | undefined },
  sql: string,
): ReturnType<typeof queryPrimary> {
  const { url, writeToken } = must(primary.life(), "a life of sqld");
  return queryPrimary(url, writeToken, sql);
}

/** Sends a server one statement; returns the first cell of the result, or the error. */
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
