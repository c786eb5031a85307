// sqld's answers to requests for the log, as replicas get them: the commits of one answer merged.
import type { Life } from "../lives.ts";
import { type MergedAnswer, mergeCommits } from "./merged-commits.ts";
import { type Answer, askSqld, type ReplicaRequest } from "./sqld-requests.ts";

/** Without frames, and where the door cannot read them, `frames`, `commits` and `next` are 0. */
export type LogAnswer = Answer & MergedAnswer;

/** Asks sqld for the log. Rejects as `askSqld` does. */
export async function askForLog(life: Life, request: ReplicaRequest): Promise<LogAnswer> {
  const answer = await askSqld(life, request);
  const merged = answer.kind === "frames" ? mergeCommits(answer.body) : null;
  return Object.assign(answer, merged ?? { frames: 0, commits: 0, next: 0 });
}
