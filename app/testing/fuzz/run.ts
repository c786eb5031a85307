// Sends many generated requests to one operation, and reduces a failure to the smallest request.
import fc from "fast-check";
import { messageOf } from "../../../db/message.ts";
import { violations } from "./check.ts";
import type { Operation } from "./document.ts";
import type { PreparedShop } from "./prepared-shop.ts";
import { type GeneratedRequest, requestsTo } from "./requests.ts";

type RunOptions = {
  runs: number;
  seed: number;
  /** The path of a failure that fast-check reported: only that request is sent. */
  path?: string | undefined;
  secrets: string[];
};

/** The number of responses by status; `failure` describes the smallest failing request and how to repeat it. */
export type Outcome = { statuses: Record<string, number>; failure: string | null };

const SHOWN_MAX = 1_500;

/** Sends `runs` requests to an operation. */
export async function fuzz(operation: Operation, shop: PreparedShop, options: RunOptions): Promise<Outcome> {
  const statuses: Record<string, number> = {};
  const property = fc.asyncProperty(requestsTo(operation), async (request) => {
    const response = await shop.send(operation, request);
    statuses[response.status] = (statuses[response.status] ?? 0) + 1;
    const found = violations(operation, request, response, options.secrets);
    if (found.length > 0)
      throw new Error(
        `${response.sent.slice(0, SHOWN_MAX)} answered ${response.status}: ${found.join("; ")}\n  ${response.body.slice(0, SHOWN_MAX)}`,
      );
  });
  const { seed, runs, path } = options;
  const details = await fc.check(property, { seed, numRuns: runs, ...(path ? { path } : {}) });
  if (!details.failed) return { statuses, failure: null };
  return { statuses, failure: describeFailure(operation, details) };
}

function describeFailure(
  operation: Operation,
  { seed, counterexample, counterexamplePath, errorInstance }: fc.RunDetails<[GeneratedRequest]>,
): string {
  const what = messageOf(errorInstance);
  return [
    `${operation.id}: ${what}`,
    `  request ${fc.stringify(counterexample?.[0]).slice(0, SHOWN_MAX)}`,
    `  repeat it: bun run fuzz --route ${operation.id} --seed ${seed} --path ${counterexamplePath}`,
    `  with all requests before it: bun run fuzz --route ${operation.id} --seed ${seed}`,
  ].join("\n");
}
