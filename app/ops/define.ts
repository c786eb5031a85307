// Definitions of metrics: each has a name, and a function that puts its values at a scrape.

type Labels = Record<string, string>;
export type Put = (value: number, labels?: Labels) => void;
/** Defines a metric; each scrape calls `collect`, which puts its values. */
export type Define = Record<
  "counter" | "gauge",
  (name: string, help: string, labelNames: string[], collect: (put: Put) => void) => unknown
>;
