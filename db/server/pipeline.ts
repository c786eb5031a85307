// The connection to a libSQL server (Hrana 3 over HTTP): one round trip for a batch of conditioned steps, on a kept stream.
import { DatabaseError } from "../errors.ts";
import { messageOf } from "../message.ts";

/**
 * A server and the token for it; `url` begins with http. `dataset` returns the only dataset that may be written and queried
 * there, `null` while it is not known.
 */
export type Server = { url: string; authToken: string; dataset?: () => string | null };

/** What must hold of the steps before for a step to run. */
export type StepCondition =
  | { type: "ok"; step: number }
  | { type: "not"; cond: StepCondition }
  | { type: "is_autocommit" }
  | { type: "and"; conds: StepCondition[] };
/** A value in a request or a reply. */
export type Cell =
  | { type: "null" }
  | { type: "text" | "integer"; value: string }
  | { type: "float"; value: number }
  | { type: "blob"; base64: string };
export type Step = {
  condition: StepCondition | null;
  stmt: { sql: string; args: Cell[]; want_rows: boolean };
};
/** `null` where the step did not run, or failed. */
export type StepResult = { cols: unknown[]; rows: Cell[][]; affected_row_count: number } | null;
export type StepError = { message: string; code?: string | null } | null;
export type BatchResult = { step_results: StepResult[]; step_errors: StepError[] };

export type Pipeline = {
  /**
   * Sends the steps. Throws `unreachable` when they cannot have arrived or the token is refused, `busy` when the server has no
   * room for them, `failed` with the server's message when it could not read them, `uncertain` when no answer came in time.
   */
  run(steps: Step[]): Promise<BatchResult>;
};

type Reply = {
  baton?: string | null;
  results?: (
    | { type: "ok"; response: { type: string; result?: BatchResult } }
    | { type: "error"; error: { message: string } }
  )[];
};

/** Error codes of a connection that could not be made. */
const NEVER_SENT = /^(ConnectionRefused|ECONNREFUSED|FailedToOpenSocket|ENOTFOUND)$/;

/**
 * Opens a pipeline; a batch that takes longer than `ms` is given up. Up to `keptMax` streams are kept for further batches,
 * because the server reads the whole schema for each new one, which costs it three times what a small query does.
 */
export function openPipeline(
  { url, authToken }: Server,
  { ms, keptMax }: { ms: number; keptMax: number },
): Pipeline {
  const address = `${url.replace(/\/+$/, "")}/v3/pipeline`;
  const headers = { "content-type": "application/json", authorization: `Bearer ${authToken}` };
  const idleBatons: string[] = [];
  let batchesUnderWay = 0;

  const send = async (steps: Step[], baton: string | null): Promise<Response> => {
    const keeps = idleBatons.length + batchesUnderWay <= keptMax;
    const requests = [{ type: "batch", batch: { steps } }, ...(keeps ? [] : [{ type: "close" }])];
    const body = JSON.stringify({ baton, requests });
    try {
      return await fetch(address, { method: "POST", headers, body, signal: AbortSignal.timeout(ms) });
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
      throw new DatabaseError(NEVER_SENT.test(code) ? "unreachable" : "uncertain", messageOf(thrown));
    }
  };

  const run = async (steps: Step[]): Promise<BatchResult> => {
    const baton = idleBatons.pop() ?? null;
    let response = await send(steps, baton);
    // The server has forgotten this stream, after a pause or a restart: nothing was done.
    if (baton !== null && response.status === 400) response = await send(steps, null);
    refuse(response.status);
    const { baton: next, results } = await readReply(response);
    if (next) idleBatons.push(next);
    const [first] = results ?? [];
    if (first?.type === "ok" && first.response.result) return first.response.result;
    const why = first?.type === "error" ? first.error.message : `the primary answered ${response.status}`;
    throw new DatabaseError("failed", why);
  };

  return {
    async run(steps) {
      batchesUnderWay += 1;
      try {
        return await run(steps);
      } finally {
        batchesUnderWay -= 1;
      }
    },
  };
}

/** Throws where the server is full or refuses the token: it has not read the batch. */
function refuse(status: number): void {
  if (status === 429 || status === 503) throw new DatabaseError("busy", `the primary answered ${status}`);
  if (status === 401 || status === 403)
    throw new DatabaseError("unreachable", `the primary refuses this token (${status})`);
}

/** Reads the reply. A server that dies while it answers leaves half of it: the outcome is unknown. */
async function readReply(response: Response): Promise<Reply> {
  try {
    return (await response.json()) as Reply;
  } catch (thrown) {
    throw new DatabaseError("uncertain", messageOf(thrown));
  }
}
