// Tables as text: in columns for a terminal, in Markdown for a page.

/** Rows in columns; nothing stands behind the last cell. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count - 1 }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The same for a page; cells are plain text. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rowText = (cells: readonly string[]) => `| ${cells.map(plain).join(" | ")} |`;
  return [rowText(head), `|${head.map(() => " --- |").join("")}`, ...rows.map(rowText)].join("\n");
}

/** Text that means nothing but itself on a page. */
export const plain = (text: string): string =>
  text
    .trim()
    .replace(/\s+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replace(/[\\|*_`[\]]/g, "\\$&");
