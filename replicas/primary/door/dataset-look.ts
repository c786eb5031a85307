// Which dataset the server holds now: one question at a time for all who ask, so that a silent server is noticed within a second.
import { DatabaseError } from "../../../db/errors.ts";
import type { DatasetReply } from "../../../db/server/door-protocol.ts";
import { openPipeline } from "../../../db/server/pipeline.ts";
import type { Life, Lives } from "./lives.ts";

export type DatasetLook = {
  /** Throws `unreachable` where the server does not answer within a second, or holds no dataset. */
  reply(): Promise<DatasetReply>;
};

const DATASET = "SELECT id, generation FROM dataset";
const ANSWER_MS = 1_000;
const KEPT_MS = 250;

/** Opens the look. Answers are kept for 250 ms, and never over the lives of the server; `now` is a time in milliseconds. */
export function openDatasetLook(lives: Lives, now: () => number = () => performance.now()): DatasetLook {
  let last: { life: Life; reply: Promise<DatasetReply>; endsAtMs: number } | undefined;
  return {
    async reply() {
      const life = lives.current();
      if (!life) throw new DatabaseError("unreachable", "the primary is not up");
      if (last?.life === life && now() < last.endsAtMs) return await last.reply;
      const asked = { life, reply: ask(life), endsAtMs: Number.POSITIVE_INFINITY };
      last = asked;
      try {
        const reply = await asked.reply;
        asked.endsAtMs = now() + KEPT_MS;
        return reply;
      } catch (thrown) {
        asked.endsAtMs = 0;
        throw thrown;
      }
    },
  };
}

async function ask({ url, readToken, ended }: Life): Promise<DatasetReply> {
  // No stream is kept: one that is open makes the server slow to end.
  const pipeline = openPipeline({ url, authToken: readToken }, { ms: ANSWER_MS, keptMax: 0 });
  const stmt = { sql: DATASET, args: [], want_rows: true };
  const { promise: over, resolve } = Promise.withResolvers<null>();
  const end = () => resolve(null);
  ended.addEventListener("abort", end);
  const asking = pipeline.run([{ condition: null, stmt }]).catch(() => null);
  const answer = await Promise.race([asking, over]);
  ended.removeEventListener("abort", end);
  if (!answer || ended.aborted) throw new DatabaseError("unreachable", "the primary does not answer");
  const [id, generation] = answer.step_results[0]?.rows[0] ?? [];
  if (id?.type !== "text" || generation?.type !== "text")
    throw new DatabaseError("unreachable", "the primary holds no dataset");
  return { id: id.value, generation: generation.value };
}
