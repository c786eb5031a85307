// The log: one JSON object per line, or short lines for a terminal.

export type LogLevel = "debug" | "info" | "warn" | "error";

export type Log = Record<LogLevel, (message: string, fields?: Record<string, unknown>) => void>;

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Opens a log that writes lines of at least this level. */
export function openLog(level: LogLevel, format: "json" | "pretty", write: (line: string) => void): Log {
  const logAt =
    (lineLevel: LogLevel): Log[LogLevel] =>
    (message, fields = {}) => {
      if (RANK[lineLevel] < RANK[level]) return;
      const time = new Date().toISOString();
      if (format === "json") write(JSON.stringify({ time, level: lineLevel, message, ...fields }));
      else write(`${time.slice(11, 23)} ${lineLevel.padEnd(5)} ${message}${pretty(fields)}`);
    };
  return { debug: logAt("debug"), info: logAt("info"), warn: logAt("warn"), error: logAt("error") };
}

const pretty = (fields: Record<string, unknown>): string =>
  Object.entries(fields)
    .map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("");
