// The driver of SQLite, without the lines that it writes to standard output by itself, among which those of our log would be lost.
import { dlopen } from "bun:ffi";
import { createRequire } from "node:module";
import type Libsql from "libsql";

/** The driver reads this when it is loaded, from the environment of the process, which `process.env` does not change. */
const [NAME, LEVEL] = ["RUST_LOG", "off"];
/** The C library, by its names on Linux and macOS. */
const LIBRARIES = [
  "libc.so.6",
  `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`,
  "libSystem.B.dylib",
];

/** Sets the variable unless the operator has. */
function turnOffLog(): void {
  for (const library of LIBRARIES) {
    try {
      const setenv = { args: ["cstring", "cstring", "i32"], returns: "i32" } as const;
      const { symbols, close } = dlopen(library, { setenv });
      symbols.setenv(textOf(NAME), textOf(LEVEL), 0);
      close();
      return;
    } catch {
      // The library of another system; without any the lines stay.
    }
  }
}

const textOf = (text: string): Buffer => Buffer.from(`${text}\0`);

// All threads share the environment.
if (Bun.isMainThread) turnOffLog();
// An import would load the driver before this file runs.
const driver: typeof Libsql = createRequire(import.meta.url)("libsql");

export default driver;
