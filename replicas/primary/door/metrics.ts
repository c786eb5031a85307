// The door's numbers for Prometheus, in its text format. The first request loads the client library.
import { must } from "../../../db/must.ts";
import type { Metric } from "./metric.ts";

const PREFIX = "insole_door_";
const MICROSECONDS = 1e6;

/** Renders the numbers, and those of this process. */
export async function renderMetrics(metrics: Metric[]): Promise<Response> {
  const client = await import("prom-client");
  const registry = new client.Registry();
  for (const group of Map.groupBy([...metrics, ...processMetrics()], ({ name }) => name).values()) {
    const { name, help, type } = must(group[0], "a metric");
    const labelNames = [...new Set(group.flatMap(({ labels = {} }) => Object.keys(labels)))];
    const options = { name: PREFIX + name, help, labelNames, registers: [registry] };
    const metric = type === "counter" ? new client.Counter(options) : new client.Gauge(options);
    for (const { labels = {}, value } of group) metric.inc(labels, value);
  }
  return new Response(await registry.metrics(), { headers: { "content-type": registry.contentType } });
}

function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    {
      name: "process_cpu_seconds_total",
      help: "Processor time of the door's process",
      type: "counter",
      value: (user + system) / MICROSECONDS,
    },
    {
      name: "process_resident_bytes",
      help: "Memory of the door's process",
      type: "gauge",
      value: process.memoryUsage.rss(),
    },
  ];
}
