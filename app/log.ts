// The log: one JSON object a line, or a short line for a terminal.

export type LogLevel = "debug" | "info" | "warn" | "error";

export type Log = Record<LogLevel, (message: string, fields?: Record<string, unknown>) => void>;

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Opens a log that writes lines of at least this level. */
export function openLog(level: LogLevel, format: "json" | "pretty", write: (line: string) => void): Log {
  const at =
    (of: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      if (RANK[of] < RANK[level]) return;
      const time = new Date().toISOString();
      if (format === "json") write(JSON.stringify({ time, level: of, message, ...fields }));
      else write(`${time.slice(11, 23)} ${of.padEnd(5)} ${message}${pretty(fields)}`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

const pretty = (fields: Record<string, unknown>): string =>
  Object.entries(fields)
    .map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("");
