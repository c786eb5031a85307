// The folders that the bench reads and writes.
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The repository. */
export const ROOT = join(import.meta.dir, "..", "..");

/** Catalogues and files made from them, kept between runs. */
export const CATALOGUES = join(tmpdir(), "insole-bench");

/** Where results go by default; `published` in it belongs to the repository. */
export const RESULTS = join(ROOT, "bench", "results");
