// Walks the rows of all files of an import, leaves out those not asked for, and says which shoe each is about.
import { type Columns, createRecognition, findColumn } from "./columns.ts";
import { type Identity, identityOf } from "./identity.ts";
import { type Cells, readBatches, type SourceRow } from "./read.ts";
import type { ImportOptions } from "./run.ts";

/** A readable row, where it stands and which shoe it is about; `file` counts the files of the import. */
export type Located = { file: number; line: number; cells: Cells; columns: Columns; identity: Identity };

/** Some rows of a file: those to import, those that cannot be read, and how many were left out. */
export type Walked = { rows: Located[]; faults: { file: number; row: SourceRow }[]; leftOut: number };

/** The rows of all files that are asked for, batch by batch; ends early when the import is interrupted. */
export async function* walk(
  options: ImportOptions,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Walked> {
  const recognise = createRecognition(options.mapping);
  for (const [file, path] of options.files.entries()) {
    let isChecked = false;
    for await (const { header, rows } of readBatches(path, onBytes)) {
      if (options.signal.aborted) return;
      if (header !== null && !isChecked) checkHeader(path, header, recognise(header), options);
      isChecked = true;
      const found: Walked = { rows: [], faults: [], leftOut: 0 };
      for (const row of rows) {
        if (row.fault !== null) found.faults.push({ file, row });
        else if (!isAskedFor(row.cells, options.where)) found.leftOut += 1;
        else {
          const columns = recognise(Object.keys(row.cells));
          const identity = identityOf(row.cells, columns);
          found.rows.push({ file, line: row.line, cells: row.cells, columns, identity });
        }
      }
      yield found;
    }
  }
}

function checkHeader(
  path: string,
  header: readonly string[],
  columns: Columns,
  options: ImportOptions,
): void {
  const listed = `its columns are ${header.join(", ")}`;
  for (const name of [...Object.values(options.mapping).flat(), ...options.where.keys()])
    if (findColumn(header, name) === undefined) throw new Error(`${path} has no column ${name}; ${listed}`);
  if (columns.title.length === 0)
    throw new Error(`${path} has no column for the title (see --map); ${listed}`);
  if (columns.price.length + columns.salePrice.length + columns.listPrice.length === 0)
    throw new Error(`${path} has no column for the price (see --map); ${listed}`);
}

function isAskedFor(cells: Cells, where: ReadonlyMap<string, readonly string[]>): boolean {
  for (const [name, values] of where) {
    const column = Object.hasOwn(cells, name) ? name : findColumn(Object.keys(cells), name);
    const held = column === undefined ? [] : [cells[column]].flat();
    if (!held.some((value) => values.includes(String(value ?? "").trim()))) return false;
  }
  return true;
}
