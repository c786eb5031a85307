// The check of a load: that there were responses, and how many of them failed.
import type { Checks } from "../drill.ts";
import { errorsText, type Report } from "../traffic/load.ts";

/** Requires that every request got a response of 2xx; measures their number and the 99th percentile of their times. */
export function checkResponses(checks: Checks, name: string, report: Report, examples: string[] = []): void {
  const errors = errorsText(report);
  checks.measure(name, report.responses);
  checks.measure(`p99 of ${name}`, report.times.percentile(0.99), "ms");
  checks.require(report.responses > 0, `there were no ${name}`);
  checks.none(`failed ${name}`, errors === "" ? [] : [errors, ...examples]);
}
