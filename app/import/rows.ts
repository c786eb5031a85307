// The rows of a file, whatever its format.

/** The raw values of a row by column name: texts in CSV, any JSON value in JSON. */
export type Cells = Record<string, unknown>;

/** One row of a file; `fault` says why it cannot be read. */
export type SourceRow = { line: number; cells: Cells; fault: string | null };

/** Some rows of a file; `header` has the column names where the format has a header. */
export type SourceBatch = { header: readonly string[] | null; rows: SourceRow[] };
