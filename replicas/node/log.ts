// How a node says what happens to it.

/** Writes one line: what, and the facts of it. */
export type NodeLog = (
  level: "info" | "warn" | "error",
  message: string,
  facts?: Record<string, unknown>,
) => void;
