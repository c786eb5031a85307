// The connection to a libSQL server (Hrana 3 over HTTP): one round trip for a batch of conditioned steps, on a kept stream.
import { DatabaseError } from "../errors.ts";
import { messageOf } from "../message.ts";
import { type Address, refusalOfStatus, sendTo } from "./request.ts";

/** A server; `dataset` returns the only dataset that may be written and queried there, `null` while it is not known. */
export type Server = Address & { dataset?: () => string | null };

/** What must hold of the steps before for a step to run. */
export type StepCondition =
  | { type: "ok" | "error"; step: number }
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

/** `ms` instead of that of the pipeline; `signal` gives the batch up, too. */
export type RunOptions = { ms?: number; signal?: AbortSignal };

export type Pipeline = {
  /**
   * Sends the steps. Throws `unreachable` when they cannot have arrived, the token is refused, or no server of this kind is there,
   * `busy` when the server has no room for them, `failed` with the server's message when it could not read them or its answer became too large, `uncertain`
   * when no answer came in time. The server stops a statement whose batch was given up, and goes on with the steps behind it.
   */
  run(steps: Step[], options?: RunOptions): Promise<BatchResult>;
};

type Reply = {
  baton?: string | null;
  results?: (
    | { type: "ok"; response: { type: string; result?: BatchResult; is_autocommit?: boolean } }
    | { type: "error"; error: { message: string } }
  )[];
};

/**
 * Opens a pipeline; a batch that takes longer than `ms` is given up. Up to `keptMax` streams are kept for further batches,
 * because the server reads the whole schema for each new one, which costs it three times what a small query does. A stream that
 * a batch leaves inside a transaction is closed, which undoes it: it would lock all other writers out for five seconds.
 */
export function openPipeline(server: Server, { ms, keptMax }: { ms: number; keptMax: number }): Pipeline {
  const idleBatons: string[] = [];
  let batchesUnderWay = 0;

  const post = (baton: string | null, requests: object[], signal: AbortSignal): Promise<Response> =>
    sendTo(server, "/v3/pipeline", { method: "POST", body: { baton, requests }, signal });
  const send = (steps: Step[], baton: string | null, signal: AbortSignal): Promise<Response> => {
    const keeps = idleBatons.length + batchesUnderWay <= keptMax;
    const last = { type: keeps ? "get_autocommit" : "close" };
    return post(baton, [{ type: "batch", batch: { steps } }, last], signal);
  };
  const keep = async ({ baton, results }: Reply): Promise<void> => {
    if (!baton) return;
    const state = results?.[1];
    if (state?.type === "ok" && state.response.is_autocommit) idleBatons.push(baton);
    // Awaited: the next batch may need the lock. Where it fails the server closes the stream by itself.
    else
      await post(baton, [{ type: "close" }], AbortSignal.timeout(ms)).then(
        (closed) => closed.arrayBuffer(),
        () => undefined,
      );
  };

  const run = async (steps: Step[], options: RunOptions): Promise<BatchResult> => {
    const limit = AbortSignal.timeout(options.ms ?? ms);
    const signal = options.signal ? AbortSignal.any([limit, options.signal]) : limit;
    const baton = idleBatons.pop() ?? null;
    let response = await send(steps, baton, signal);
    // The server has forgotten this stream, after a pause or a restart: nothing was done.
    if (baton !== null && response.status === 400) response = await send(steps, null, signal);
    await refuse(response);
    const reply = await readReply(response);
    await keep(reply);
    const [first] = reply.results ?? [];
    if (first?.type === "ok" && first.response.result) return first.response.result;
    const why = first?.type === "error" ? first.error.message : `the primary answered ${response.status}`;
    throw new DatabaseError("failed", why);
  };

  return {
    async run(steps, options = {}) {
      batchesUnderWay += 1;
      try {
        return await run(steps, options);
      } finally {
        batchesUnderWay -= 1;
      }
    },
  };
}

/** Throws where the server is full, refuses the token or cannot read the batch: it has not done anything. */
async function refuse(response: Response): Promise<void> {
  const refusal = refusalOfStatus(response.status);
  if (refusal) throw refusal;
  if (response.status === 400)
    throw new DatabaseError("failed", await response.text().catch(() => "the primary answered 400"));
}

/** Reads the reply. A server that dies while it answers leaves half of it: the outcome is unknown. */
async function readReply(response: Response): Promise<Reply> {
  try {
    return (await response.json()) as Reply;
  } catch (thrown) {
    throw new DatabaseError("uncertain", messageOf(thrown));
  }
}
