// The log of a node, which its opener provides.

/** Writes one line: the message and its facts. */
export type NodeLog = (
  level: "info" | "warn" | "error",
  message: string,
  facts?: Record<string, unknown>,
) => void;
