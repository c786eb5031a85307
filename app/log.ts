// The log: one JSON object per line, or short lines for a terminal.

export type LogLevel = "debug" | "info" | "warn" | "error";

export type Log = Record<LogLevel, (message: string, fields?: Record<string, unknown>) => void>;

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Characters by which a terminal would be steered, or the order of a line turned round; JSON escapes the first 32 itself. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const UNSAFE = new RegExp(`[\\0-\\x09\\x0b-\\x1f${UNSAFE_IN_JSON.source.slice(1)}`, "g");

/** Opens a log that writes lines of at least this level. */
export function openLog(level: LogLevel, format: "json" | "pretty", write: (line: string) => void): Log {
  const logAt =
    (lineLevel: LogLevel): Log[LogLevel] =>
    (message, fields = {}) => {
      if (RANK[lineLevel] < RANK[level]) return;
      const time = new Date().toISOString();
      if (format === "json")
        write(escapeAll(JSON.stringify({ time, level: lineLevel, message, ...fields }), UNSAFE_IN_JSON));
      else write(`${time.slice(11, 23)} ${lineLevel.padEnd(5)} ${safe(message)}${pretty(fields)}`);
    };
  return { debug: logAt("debug"), info: logAt("info"), warn: logAt("warn"), error: logAt("error") };
}

const pretty = (fields: Record<string, unknown>): string =>
  Object.entries(fields)
    .map(
      ([name, value]) =>
        ` ${name}=${safe(typeof value === "string" ? value : (JSON.stringify(value) ?? ""))}`,
    )
    .join("");

/** The lines of a stack stay lines, but none of them can pass for a line of the log. */
const safe = (text: string): string => escapeAll(text, UNSAFE).replaceAll("\n", "\n    ");

const escapeAll = (text: string, unsafe: RegExp): string =>
  text.replace(unsafe, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);

const MINUTE_MS = 60_000;

/**
 * A log for what may fail again and again: each message at most once a minute, with the number of those left out. A clock that
 * was set back hides nothing.
 */
export function openSparseLog(log: Pick<Log, "warn">, now: () => number): Pick<Log, "warn"> {
  const known = new Map<string, { atMs: number; leftOut: number }>();
  return {
    warn(message, fields = {}) {
      const last = known.get(message);
      const nowMs = now();
      if (last && Math.abs(nowMs - last.atMs) < MINUTE_MS) {
        last.leftOut += 1;
        return;
      }
      known.set(message, { atMs: nowMs, leftOut: 0 });
      log.warn(message, last && last.leftOut > 0 ? { ...fields, leftOut: last.leftOut } : fields);
    },
  };
}
