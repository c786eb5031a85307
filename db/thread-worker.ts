// The worker's side of a thread: opens the file it is given, answers each call with it, and closes it.
import { toDatabaseError } from "./errors.ts";
import { must } from "./must.ts";
import type { ThreadMessage, ThreadReply } from "./thread.ts";

/** What a thread works with once it is open. `call` may throw anything: the caller gets it as a `DatabaseError`. */
type Served<Input, Output> = { call(input: Input): Output; close(): void };

/** Serves the thread that `openThread` started; `open` gets the file's path. */
export function serveThread<Input, Output>(
  self: Worker,
  open: (path: string) => Served<Input, Output>,
): void {
  let served: Served<Input, Output> | undefined;
  const outputOf = (message: ThreadMessage<Input>): Output | null => {
    if (message.kind === "call") return must(served, "the open file").call(message.input);
    if (message.kind === "open") served = open(message.path);
    else served?.close();
    return null;
  };
  const reply = (message: ThreadReply<Output | null>) => self.postMessage(message);
  self.onmessage = ({ data }: MessageEvent<ThreadMessage<Input>>) => {
    try {
      reply({ id: data.id, ok: true, output: outputOf(data) });
    } catch (thrown) {
      const { kind, message, columns } = toDatabaseError(thrown);
      reply({ id: data.id, ok: false, kind, message, columns });
    }
  };
}
