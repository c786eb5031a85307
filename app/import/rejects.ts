// Writes refused rows to a file, one JSON object per line.
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { basename, extname, join } from "node:path";

/** One refused row; `field` is a JSON pointer, null where the reason concerns the whole row. */
type Reject = {
  file: string;
  line: number;
  reason: string;
  field: string | null;
  cells: Record<string, unknown>;
};

/** A rejects file, created when the first row is refused. */
export type Rejects = { add: (reject: Reject) => void; flush: () => void; close: () => void };

const BUFFER_CHARS = 64 * 1024;

/** The default rejects file of an input: in the data folder, not beside the input. */
export function rejectsPathOf(input: string, dataDir: string): string {
  return join(dataDir, `${basename(input, extname(input))}.rejects.ndjson`);
}

/** Opens the rejects of an import; removes the file of an earlier one. */
export function openRejects(path: string): Rejects {
  rmSync(path, { force: true });
  let descriptor: number | null = null;
  let buffered = "";
  const flush = () => {
    if (buffered === "") return;
    descriptor ??= openSync(path, "w", 0o600);
    writeSync(descriptor, buffered);
    buffered = "";
  };
  return {
    add: (reject) => {
      buffered += `${JSON.stringify(reject)}\n`;
      if (buffered.length > BUFFER_CHARS) flush();
    },
    flush,
    close: () => {
      flush();
      if (descriptor !== null) closeSync(descriptor);
    },
  };
}
