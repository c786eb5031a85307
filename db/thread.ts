// A worker thread as a function: questions go in one after the other, answers come back as promises.
import { DatabaseError, type DatabaseErrorKind } from "./errors.ts";

/** What a thread is sent: first `open`, then `ask`, at the end `close`. */
export type Request<Q> =
  | { id: number; kind: "open"; path: string }
  | { id: number; kind: "ask"; question: Q }
  | { id: number; kind: "close" };

type Reply<A> = { id: number } & (
  | { ok: true; answer: A }
  | { ok: false; kind: DatabaseErrorKind; message: string; columns: string[] }
);

export type Thread<Q, A> = {
  ask(question: Q): Promise<A>;
  waiting(): number;
  close(): Promise<void>;
};

/** Starts the worker at its first question: a program that never asks pays nothing. */
export function openThread<Q, A>(module: URL, path: string): Thread<Q, A> {
  let worker: Worker | undefined;
  let closed = false;
  let lastId = 0;
  const pending = new Map<number, { resolve(answer: A): void; reject(error: DatabaseError): void }>();

  // A thread that died takes its questions with it; the next question starts a new one.
  const bury = (dead: Worker, message: string) => {
    if (worker !== dead) return;
    worker = undefined;
    dead.terminate();
    for (const { reject } of pending.values()) reject(new DatabaseError("uncertain", message));
    pending.clear();
  };

  const send = (
    request: Request<Q> extends infer R ? (R extends { id: number } ? Omit<R, "id"> : never) : never,
  ) => {
    const id = ++lastId;
    const target = worker ?? start();
    return new Promise<A>((resolve, reject) => {
      pending.set(id, { resolve, reject });
      target.postMessage({ ...request, id });
    });
  };

  const start = (): Worker => {
    const started = new Worker(module);
    worker = started;
    started.onmessage = ({ data }: MessageEvent<Reply<A>>) => {
      const waiter = pending.get(data.id);
      pending.delete(data.id);
      if (data.ok) waiter?.resolve(data.answer);
      else waiter?.reject(new DatabaseError(data.kind, data.message, data.columns));
    };
    started.onerror = (event) => bury(started, `the database thread failed: ${event.message}`);
    started.addEventListener("close", () => bury(started, "the database thread ended"));
    send({ kind: "open", path }).catch((error: DatabaseError) => bury(started, error.message));
    return started;
  };

  return {
    ask(question) {
      if (closed) return Promise.reject(new DatabaseError("closed", "the database is closed"));
      return send({ kind: "ask", question });
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
