// A worker thread as a function: calls go in one after the other, results come back as promises.
import { DatabaseError, type DatabaseErrorKind } from "./errors.ts";

/** A message to the thread: first `open`, then any number of `call`, finally `close`. */
export type ThreadMessage<Input> =
  | { id: number; kind: "open"; path: string }
  | { id: number; kind: "call"; input: Input }
  | { id: number; kind: "close" };

/** The thread's reply to the message of this id. */
export type ThreadReply<Output> = { id: number } & (
  | { ok: true; output: Output }
  | { ok: false; kind: DatabaseErrorKind; message: string; columns: string[] }
);

type Thread<Input, Output> = {
  /**
   * Rejects with the thread's `DatabaseError`, with `failed` when it could not open its file, with `uncertain` when it ended
   * meanwhile, and with `closed` after `close`.
   */
  call(input: Input): Promise<Output>;
  /** Messages without a reply so far. */
  waiting(): number;
  /** Resolves when the calls so far are done and the thread has closed its file. */
  close(): Promise<void>;
};

/** Describes a thread that opens `path`; it starts with the first call, so a program that makes none pays nothing. */
export function openThread<Input, Output>(module: URL, path: string): Thread<Input, Output> {
  let worker: Worker | undefined;
  let closed = false;
  let isOpen = false;
  let lastId = 0;
  const pending = new Map<number, { resolve(output: Output): void; reject(error: DatabaseError): void }>();

  // The calls of a thread that ended are lost; the next call starts a new thread.
  const abandon = (ended: Worker, message: string) => {
    if (worker !== ended) return;
    worker = undefined;
    ended.terminate();
    // Without its file it has done nothing.
    const kind = isOpen ? "uncertain" : "failed";
    for (const { reject } of pending.values()) reject(new DatabaseError(kind, message));
    pending.clear();
  };

  const send = (
    message: ThreadMessage<Input> extends infer M
      ? M extends { id: number }
        ? Omit<M, "id">
        : never
      : never,
  ) => {
    const id = ++lastId;
    const target = worker ?? start();
    return new Promise<Output>((resolve, reject) => {
      pending.set(id, { resolve, reject });
      target.postMessage({ ...message, id });
    });
  };

  const start = (): Worker => {
    const started = new Worker(module);
    worker = started;
    isOpen = false;
    started.onmessage = ({ data }: MessageEvent<ThreadReply<Output>>) => {
      const waiter = pending.get(data.id);
      pending.delete(data.id);
      // The first reply is that of `open`.
      isOpen ||= data.ok;
      if (data.ok) waiter?.resolve(data.output);
      else waiter?.reject(new DatabaseError(data.kind, data.message, data.columns));
    };
    started.onerror = ({ message }) =>
      abandon(started, `the database thread failed: ${withoutPaths(message)}`);
    started.addEventListener("close", () => abandon(started, "the database thread ended"));
    send({ kind: "open", path }).catch((error: DatabaseError) => abandon(started, error.message));
    return started;
  };

  return {
    call(input) {
      if (closed) return Promise.reject(new DatabaseError("closed", "the database is closed"));
      return send({ kind: "call", input });
    },
    waiting: () => pending.size,
    async close() {
      if (closed) return;
      closed = true;
      if (!worker) return;
      const last = worker;
      await send({ kind: "close" });
      worker = undefined;
      last.terminate();
    },
  };
}

/** Bun quotes the path of a module that it cannot read. */
const withoutPaths = (message: string): string => message.replace(/\s*"[^"]*"\s*/g, " ").trim();
