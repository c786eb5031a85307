// Reads the rows of all files of an import, filters them by `--where`, and identifies the shoe of each.
import { type Columns, createRecognition, findColumn } from "./columns.ts";
import { identityOf, type RowIdentity } from "./identity.ts";
import type { ImportOptions } from "./options.ts";
import { readBatches } from "./read.ts";
import type { Cells, SourceRow } from "./rows.ts";

/** A readable row with its position, its columns and the identity of its shoe; `file` is the index of its file. */
export type LocatedRow = {
  file: number;
  line: number;
  cells: Cells;
  columns: Columns;
  identity: RowIdentity;
};

/** Some rows of a file: those to import, those that cannot be read, and the number left out by `--where`. */
export type RowBatch = { rows: LocatedRow[]; faults: { file: number; row: SourceRow }[]; leftOut: number };

/** The rows of all files in batches; ends early when the import is interrupted. */
export async function* readRowBatches(
  options: ImportOptions,
  onBytes: (bytes: number) => void,
): AsyncGenerator<RowBatch> {
  const recognise = createRecognition(options.mapping);
  for (const [file, path] of options.files.entries()) {
    let isChecked = false;
    for await (const { header, rows } of readBatches(path, onBytes)) {
      if (options.signal.aborted) return;
      if (header !== null && !isChecked) checkHeader(path, header, recognise(header), options);
      isChecked = true;
      const batch: RowBatch = { rows: [], faults: [], leftOut: 0 };
      for (const row of rows) {
        if (row.fault !== null) batch.faults.push({ file, row });
        else if (!matchesWhere(row.cells, options.where)) batch.leftOut += 1;
        else {
          const columns = recognise(Object.keys(row.cells));
          const identity = identityOf(row.cells, columns);
          batch.rows.push({ file, line: row.line, cells: row.cells, columns, identity });
        }
      }
      yield batch;
    }
  }
}

function checkHeader(
  path: string,
  header: readonly string[],
  columns: Columns,
  options: ImportOptions,
): void {
  const columnList = `its columns are ${header.join(", ")}`;
  for (const name of [...Object.values(options.mapping).flat(), ...options.where.keys()])
    if (findColumn(header, name) === undefined)
      throw new Error(`${path} has no column ${name}; ${columnList}`);
  if (columns.title.length === 0)
    throw new Error(`${path} has no column for the title (see --map); ${columnList}`);
  if (columns.price.length + columns.salePrice.length + columns.listPrice.length === 0)
    throw new Error(`${path} has no column for the price (see --map); ${columnList}`);
}

function matchesWhere(cells: Cells, where: ReadonlyMap<string, readonly string[]>): boolean {
  for (const [name, values] of where) {
    const column = Object.hasOwn(cells, name) ? name : findColumn(Object.keys(cells), name);
    const cellValues = column === undefined ? [] : [cells[column]].flat();
    if (!cellValues.some((value) => values.includes(String(value ?? "").trim()))) return false;
  }
  return true;
}
