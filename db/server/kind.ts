// What stands at a primary's address, its door or a bare libSQL server: found out by asking, and again when it has changed.
import { DatabaseError } from "../errors.ts";
import { messageOf } from "../message.ts";
import { errorOf } from "./door.ts";
import { type DatasetReply, DOOR } from "./door-protocol.ts";
import { type Address, sendTo, UnknownPath } from "./request.ts";

/** `bare`: a libSQL server without a door. */
export type ServerKind = "door" | "bare";

type KindFinder = {
  /**
   * Runs `work` for the kind that stands at the address, and once more when it throws `UnknownPath` and another kind is found;
   * `leftMs` is what is left of `ms`. Rejects with what `work` throws, and with what `findDataset` throws when the kind cannot be
   * found.
   */
  run<T>(ms: number, work: (kind: ServerKind, leftMs: number) => Promise<T>): Promise<T>;
};

/** Opens the finder, which asks when `run` needs the kind, and keeps the answer while it holds. */
export function openKindFinder(address: Address): KindFinder {
  let known: ServerKind | undefined;
  const ask = async (ms: number): Promise<ServerKind> => {
    const dataset = await findDataset(address, ms);
    known = dataset === null ? "bare" : "door";
    return known;
  };
  return {
    async run(ms, work) {
      const endsAt = performance.now() + ms;
      const leftMs = () => Math.max(1, Math.floor(endsAt - performance.now()));
      const kind = known ?? (await ask(ms));
      try {
        return await work(kind, leftMs());
      } catch (thrown) {
        if (!(thrown instanceof UnknownPath)) throw thrown;
        if (known === kind) known = undefined;
        return work(known ?? (await ask(leftMs())), leftMs());
      }
    },
  };
}

/**
 * Asks the door for its dataset; `null` where a bare server stands there. Throws `unreachable`, or `busy`, when neither answers
 * within `ms`.
 */
export async function findDataset(address: Address, ms: number): Promise<DatasetReply | null> {
  try {
    const response = await sendTo(address, DOOR.dataset, { method: "GET", signal: AbortSignal.timeout(ms) });
    if (response.status === 404) return null;
    if (response.ok) return (await response.json()) as DatasetReply;
    throw await errorOf(response);
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.kind !== "uncertain") throw thrown;
    throw new DatabaseError("unreachable", messageOf(thrown));
  }
}
