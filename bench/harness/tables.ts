// Tables as text: aligned columns for a terminal, Markdown for a page.

/** Rows in aligned columns without trailing blanks. */
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

/** Rows as a Markdown table; cells are plain text. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rowText = (cells: readonly string[]) => `| ${cells.map(plain).join(" | ")} |`;
  return [rowText(head), `|${head.map(() => " --- |").join("")}`, ...rows.map(rowText)].join("\n");
}

/** Text in which every character of Markdown and HTML is escaped. */
export const plain = (text: string): string =>
  text
    .trim()
    .replace(/\s+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replace(/[\\|*_`[\]]/g, "\\$&");
