// The options of an import.
import type { OnConflict } from "../shoes/shoes.ts";
import type { Mapping } from "./columns.ts";
import type { MoneyRules } from "./money.ts";

/** What an import reads, and how. */
export type ImportOptions = {
  files: readonly string[];
  /** Holds the temporary file of the import. */
  dataDir: string;
  money: MoneyRules;
  mapping: Mapping;
  onConflict: OnConflict;
  /** Only rows with one of these values in each of these columns. */
  where: ReadonlyMap<string, readonly string[]>;
  dryRun: boolean;
  keepDemo: boolean;
  rejectsPath: string;
  /** When aborted, the import finishes the chunks under way and stops. */
  signal: AbortSignal;
  onProgress: (bytes: number, bytesTotal: number) => void;
};
