// Whether a primary can still write. The probe takes the write lock, because sqld's own health check stays good when writes
// hang.

/**
 * The result of a probe; `why` is for the log. A server that still reads but gives no write lock hangs for good. A silent one
 * may be frozen, or busy, as when a dozen replicas fetch a big shop.
 */
export type Health = { ok: true } | { ok: false; why: string; isSilent: boolean };

const bodyOf = (...texts: string[]): string =>
  JSON.stringify({
    requests: [...texts.map((sql) => ({ type: "execute", stmt: { sql } })), { type: "close" }],
  });
const TAKE_WRITE_LOCK = bodyOf("BEGIN IMMEDIATE", "ROLLBACK");
const READ = bodyOf("SELECT 1");
const TOO_MANY_REQUESTS = 429;
/** Another client holds the write lock, so writes work. */
const BUSY = /locked|busy/i;

/** Takes the write lock and releases it; an answer later than `deadlineMs` counts as none. Never rejects. */
export async function probe(url: string, token: string, deadlineMs: number): Promise<Health> {
  const lock = await send(url, token, TAKE_WRITE_LOCK, deadlineMs);
  if (lock !== "late") return lock;
  const read = await send(url, token, READ, deadlineMs);
  const isSilent = read === "late" || !read.ok;
  return { ok: false, why: `no ${isSilent ? "answer" : "write lock"} in ${deadlineMs} ms`, isSilent };
}

async function send(url: string, token: string, body: string, deadlineMs: number): Promise<Health | "late"> {
  try {
    const response = await fetch(`${url}/v2/pipeline`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body,
      keepalive: false,
      signal: AbortSignal.timeout(deadlineMs),
    });
    const text = await response.text();
    if (response.status === TOO_MANY_REQUESTS) return { ok: true };
    return response.ok
      ? healthOf(text)
      : { ok: false, why: `it answered ${response.status}`, isSilent: false };
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "TimeoutError") return "late";
    return { ok: false, why: "it does not answer", isSilent: true };
  }
}

function healthOf(text: string): Health {
  const { results } = JSON.parse(text) as { results: { type: string; error?: { message: string } }[] };
  const message = results[0]?.error?.message;
  if (message === undefined || BUSY.test(message)) return { ok: true };
  return { ok: false, why: message, isSilent: false };
}
