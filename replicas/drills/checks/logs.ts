// What the programs of a cluster have written for operators.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cluster } from "../cluster.ts";

const LOG = /(^|[./])log(\.1)?$/;

/** The paths of all logs: of the cluster's command with the primary and the door, of sqld, of the nodes, and of the edge. */
export const logsOf = ({ data, log }: Pick<Cluster, "data" | "log">): string[] => [
  log,
  ...readdirSync(data, { recursive: true, encoding: "utf8" })
    .filter((path) => LOG.test(path))
    .map((path) => join(data, path)),
];

/** The lines that have one of these texts, with their logs. Throws when there is no log at all. */
export function linesWith(logs: readonly string[], texts: readonly string[]): string[] {
  if (logs.length < 2) throw new Error("the logs were not found");
  return logs.flatMap((path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => texts.some((text) => line.includes(text)))
      .map((line) => `${path}: ${line.slice(0, 300)}`),
  );
}
