// Counts of the requests by route and class of status.
import type { Metric } from "./metric.ts";

export type RequestCounts = {
  /** Counts the response, and returns it. */
  noted(route: string, response: Response): Response;
  metrics(): Metric[];
};

/** Opens the counts. Routes are those of a table, so that the counts stay few. */
export function openRequestCounts(): RequestCounts {
  const counts = new Map<string, { route: string; status: string; count: number }>();
  return {
    noted(route, response) {
      const status = `${Math.floor(response.status / 100)}xx`;
      const key = `${status} ${route}`;
      const entry = counts.get(key) ?? { route, status, count: 0 };
      entry.count += 1;
      counts.set(key, entry);
      return response;
    },
    metrics: () =>
      [...counts.values()].map(({ route, status, count }) => ({
        name: "requests_total",
        help: "Requests answered",
        type: "counter",
        value: count,
        labels: { route, status },
      })),
  };
}
