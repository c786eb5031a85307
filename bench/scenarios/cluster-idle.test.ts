// The processes of a cluster by role.
import { expect, test } from "bun:test";
import { groupByRole } from "./cluster-idle.ts";

test("processes are grouped by role", () => {
  const nodes = [
    { name: "node-1", url: "", pid: 3 },
    { name: "node-2", url: "", pid: 4 },
  ];
  const named = (pid: number, name: string) => ({ pid, name });
  const processes = [
    named(1, "bun"),
    named(2, "sqld"),
    named(3, "bun"),
    named(4, "bun"),
    named(5, "nginx"),
    named(6, "bun"),
  ];
  const primary = { url: "", pid: 2, door: 6 };
  expect(groupByRole(processes, { nodes, primary })).toEqual({
    nodes: [3, 4],
    sqld: [2],
    door: [6],
    edge: [5],
    command: [1],
  });
});
