// The mailer: a thread of its own composes mails and sends them, so that neither holds up the serving thread, and the garbage
// collector of that thread does not walk through the mail library.
import type { Message } from "./message.ts";
import type { Answer, Order, Target } from "./thread-messages.ts";
import { MailError } from "./transport.ts";

export type Mailer = {
  /**
   * Composes a mail and sends it, and resolves when its receiver has answered for it: with a reason for each recipient that was
   * refused while others were accepted. Rejects with `MailError` when no recipient has it.
   */
  send(message: Message): Promise<string[]>;
  /** Ends the connection, if there is one; the next mail opens another. A mail under way fails. */
  close(): void;
  /** Whether the thread runs. */
  isRunning(): boolean;
  /** Ends the thread. */
  end(): void;
};

/** A thread without mails ends after this time; the next mail starts another. */
const IDLE_MS = 60_000;

/** Opens the mailer; its thread starts with the first mail. */
export function openMailer(target: Target, idleMs = IDLE_MS): Mailer {
  let thread: Worker | null = null;
  let pending: PromiseWithResolvers<string[]> | null = null;
  let idle: ReturnType<typeof setTimeout> | undefined;

  const end = () => {
    clearTimeout(idle);
    thread?.terminate();
    thread = null;
    settle({ error: "the thread of mails ended", isServer: true });
  };

  const settle = (answer: Answer) => {
    const settled = pending;
    pending = null;
    if ("refusals" in answer) settled?.resolve(answer.refusals);
    else if (answer.isServer === null) settled?.reject(new Error(answer.error));
    else settled?.reject(new MailError(answer.error, answer.isServer));
  };

  const start = (): Worker => {
    const started = new Worker(new URL("./mail-worker.ts", import.meta.url), { smol: true });
    started.onmessage = ({ data }: MessageEvent<Answer>) => settle(data);
    started.onerror = () => {
      if (thread === started) end();
    };
    started.unref();
    started.postMessage({ target } satisfies Order);
    return started;
  };

  return {
    async send(message) {
      clearTimeout(idle);
      thread ??= start();
      pending = Promise.withResolvers<string[]>();
      thread.postMessage({ message } satisfies Order);
      return pending.promise;
    },
    close() {
      thread?.postMessage("close" satisfies Order);
      clearTimeout(idle);
      if (!thread || pending) return;
      idle = setTimeout(end, idleMs);
      idle.unref();
    },
    isRunning: () => thread !== null,
    end,
  };
}
