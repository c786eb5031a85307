// The mailer: a thread of its own composes mails and sends them, so that neither holds up the serving thread, and the garbage
// collector of that thread does not walk through the mail library.
import type { Message } from "./message.ts";
import type { Target, ThreadMessage, ThreadReply } from "./thread-messages.ts";
import { MailError } from "./transport.ts";

export type Mailer = {
  /**
   * Composes a mail and sends it, as `Transport.send` does; one at a time. Rejects with another `Error` when it cannot be
   * composed.
   */
  send(message: Message): Promise<string[]>;
  /** As `Transport.close`. */
  close(): void;
  /** Whether the thread runs. */
  isRunning(): boolean;
  /** Ends the thread. */
  end(): void;
};

/** A thread without mails ends after this time; the next mail starts another. */
const IDLE_MS = 60_000;

/** A thread that does not reply in this time is ended: longer than the bound of the transport, shorter than the lease. */
const REPLY_MS_MAX = 90_000;

type MailerTimes = { idleMs?: number; replyMsMax?: number };

/** Opens the mailer; its thread starts with the first mail. Times in ms. */
export function openMailer(
  target: Target,
  { idleMs = IDLE_MS, replyMsMax = REPLY_MS_MAX }: MailerTimes = {},
): Mailer {
  let thread: Worker | null = null;
  let pending: PromiseWithResolvers<string[]> | null = null;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let late: ReturnType<typeof setTimeout> | undefined;

  const end = (reason = "the thread of mails ended") => {
    clearTimeout(idle);
    thread?.terminate();
    thread = null;
    settle({ error: reason, isServer: true });
  };

  const settle = (reply: ThreadReply) => {
    const settled = pending;
    pending = null;
    clearTimeout(late);
    if ("refusals" in reply) settled?.resolve(reply.refusals);
    else if (reply.isServer === null) settled?.reject(new Error(reply.error));
    else settled?.reject(new MailError(reply.error, reply.isServer));
  };

  const start = (): Worker => {
    const started = new Worker(new URL("./mail-worker.ts", import.meta.url), { smol: true });
    // What an ended thread still says is about no mail of its successor.
    started.onmessage = ({ data }: MessageEvent<ThreadReply>) => {
      if (thread === started) settle(data);
    };
    started.onerror = ({ message }) => {
      if (thread === started) end(`the thread of mails ended: ${message}`);
    };
    started.unref();
    started.postMessage({ target } satisfies ThreadMessage);
    return started;
  };

  return {
    async send(message) {
      clearTimeout(idle);
      thread ??= start();
      pending = Promise.withResolvers<string[]>();
      late = setTimeout(() => end(`the thread of mails did not reply within ${replyMsMax} ms`), replyMsMax);
      thread.postMessage({ message } satisfies ThreadMessage);
      return pending.promise;
    },
    close() {
      thread?.postMessage("close" satisfies ThreadMessage);
      clearTimeout(idle);
      if (!thread || pending) return;
      idle = setTimeout(() => end(), idleMs);
      idle.unref();
    },
    isRunning: () => thread !== null,
    end: () => end(),
  };
}
