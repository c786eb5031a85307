// Lines to standard output or error that cannot end the program: not on a full disk, and not into a closed pipe.
import { writeSync } from "node:fs";

/** A stream of the process, and its file descriptor. */
type Stream = {
  fd: number;
  write(text: string): unknown;
  on(event: "error", listener: () => void): unknown;
};

/**
 * Opens a writer of lines. A line that cannot be written is lost; `regained` is called with the number of lost lines once
 * lines can be written again.
 */
export function openOutput(
  stream: Stream,
  regained: (lines: number) => void = () => undefined,
): (line: string) => void {
  let isBroken = false;
  let lost = 0;
  // Without a listener the error ends the process. A stream never recovers from one, its descriptor may.
  stream.on("error", () => {
    isBroken = true;
    lost += 1;
  });
  return (line) => {
    if (!isBroken) {
      stream.write(`${line}\n`);
      return;
    }
    try {
      writeSync(stream.fd, `${line}\n`);
    } catch {
      lost += 1;
      return;
    }
    if (lost === 0) return;
    const lines = lost;
    lost = 0;
    regained(lines);
  };
}
