// A number of the door for `GET /metrics`.

/** `name` without the prefix `insole_door_`, in the units of Prometheus (seconds, bytes); `labels` as in its text format. */
export type Metric = {
  name: string;
  help: string;
  type: "counter" | "gauge";
  value: number;
  labels?: Record<string, string>;
};
