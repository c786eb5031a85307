// Asks one operation many different things and finds the smallest that goes wrong.
import fc from "fast-check";
import { complaints } from "./check.ts";
import type { Operation } from "./document.ts";
import { type Asked, requestsTo } from "./requests.ts";
import type { World } from "./world.ts";

export type RunOptions = {
  runs: number;
  seed: number;
  /** Where fast-check found it: only that request is sent. */
  path?: string | undefined;
  secrets: string[];
};

/** What was asked and answered; `failure` tells the smallest request that breaks a rule and how to send it again. */
export type Outcome = { statuses: Record<string, number>; failure: string | null };

const SHOWN_MAX = 1_500;

/** Sends `runs` requests to an operation. */
export async function fuzz(operation: Operation, world: World, options: RunOptions): Promise<Outcome> {
  const statuses: Record<string, number> = {};
  const property = fc.asyncProperty(requestsTo(operation), async (asked) => {
    const answer = await world.send(operation, asked);
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    const found = complaints(operation, asked, answer, options.secrets);
    if (found.length > 0)
      throw new Error(
        `${answer.sent.slice(0, SHOWN_MAX)} answered ${answer.status}: ${found.join("; ")}\n  ${answer.body.slice(0, SHOWN_MAX)}`,
      );
  });
  const { seed, runs, path } = options;
  const details = await fc.check(property, { seed, numRuns: runs, ...(path ? { path } : {}) });
  if (!details.failed) return { statuses, failure: null };
  return { statuses, failure: told(operation, details) };
}

function told(
  operation: Operation,
  { seed, counterexample, counterexamplePath, errorInstance }: fc.RunDetails<[Asked]>,
): string {
  const what = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return [
    `${operation.id}: ${what}`,
    `  asked ${fc.stringify(counterexample?.[0]).slice(0, SHOWN_MAX)}`,
    `  again: bun run fuzz --route ${operation.id} --seed ${seed} --path ${counterexamplePath}`,
    `  and with all that went before: bun run fuzz --route ${operation.id} --seed ${seed}`,
  ].join("\n");
}
