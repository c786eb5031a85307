// Merges the commits of one answer into one, because a replica pays for each: it opens a connection and reads the whole schema.
import { type Frame, framesIn, setCommitPages, withMessage } from "./frames.ts";

/** `body` is the answer for replicas; `frames` counts those that sqld sent, `commits` those in it, `next` follows the last frame. */
export type MergedAnswer = {
  body: Uint8Array<ArrayBuffer>;
  frames: number;
  commits: number;
  next: number;
};

/**
 * Leaves in an answer only the newest version of each page up to the last commit in it, and lets that commit end them all. What
 * follows the last commit stays as it is, and belongs to a commit of the next answer. A replica that applies it has the same pages,
 * and the same newest frame, as one that applies each commit. An answer that the door cannot read stays as it is: `null`.
 */
export function mergeCommits(body: Uint8Array<ArrayBuffer>): MergedAnswer | null {
  const frames = framesIn(body);
  const last = frames?.at(-1);
  if (!frames || !last) return null;
  const commits = frames.filter(({ commitPages }) => commitPages > 0).length;
  const merged = commits > 1 ? withMessage(body, messageOf(body, keptOf(frames))) : body;
  return { body: merged, frames: frames.length, commits, next: last.number + 1 };
}

/** The frames that a replica needs, and of those the commits that end none any more. */
function keptOf(frames: Frame[]): { frame: Frame; isMerged: boolean }[] {
  const lastCommit = frames.findLastIndex(({ commitPages }) => commitPages > 0);
  const newest = new Map<number, number>();
  for (let at = 0; at <= lastCommit; at += 1) {
    const { page } = frames[at] as Frame;
    newest.set(page, at);
  }
  return frames.flatMap((frame, at) => {
    if (at < lastCommit && newest.get(frame.page) !== at) return [];
    return [{ frame, isMerged: at < lastCommit && frame.commitPages > 0 }];
  });
}

function messageOf(body: Uint8Array, kept: { frame: Frame; isMerged: boolean }[]): Uint8Array {
  const message = new Uint8Array(kept.reduce((bytes, { frame }) => bytes + frame.end - frame.start, 0));
  let at = 0;
  for (const { frame, isMerged } of kept) {
    message.set(body.subarray(frame.start, frame.end), at);
    if (isMerged) setCommitPages(message, at + frame.header - frame.start, 0);
    at += frame.end - frame.start;
  }
  return message;
}
