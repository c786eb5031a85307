// Sums of metrics: over all samples of exactly this name, and an unknown name is an error, not 0.
import { expect, test } from "bun:test";
import { sumOfMetric } from "./metrics.ts";

const TEXT = `# HELP insole_reads_total Reads
insole_reads_total{source="here"} 5
insole_reads_total{source="primary"} 2
insole_reads_total_of_others 9
insole_commits_total 12
`;

test("a sum over all samples, or over those with a label", () => {
  expect(sumOfMetric(TEXT, "insole_reads_total")).toBe(7);
  expect(sumOfMetric(TEXT, "insole_reads_total", 'source="primary"')).toBe(2);
  expect(sumOfMetric(TEXT, "insole_reads_total", 'source="behind"')).toBe(0);
  expect(sumOfMetric(TEXT, "insole_commits_total")).toBe(12);
});

test("a metric that is not there throws", () => {
  expect(() => sumOfMetric(TEXT, "insole_reads")).toThrow("there is no metric insole_reads");
});
