// The differences of a database from `schema.ts` and `orders.ts`: both are written as lines of text, which are compared.
import { type Column, getTableColumns, is, SQL } from "drizzle-orm";
import { getTableConfig, SQLiteSyncDialect, SQLiteTable } from "drizzle-orm/sqlite-core";
import { must } from "../must.ts";
import type { Handle } from "../read/reader.ts";
import * as orders from "../schema/orders.ts";
import * as schema from "../schema/schema.ts";

type Cell = string | number | null;
type RunQuery = (sql: string) => Cell[][];

const dialect = new SQLiteSyncDialect();

/** The lines that only one of them has; both lists are empty where they agree. */
type Drift = { onlyInDatabase: string[]; onlyInSchema: string[] };

/** Compares tables, columns, primary keys, UNIQUE constraints, indexes and foreign keys. */
export function findDrift(handle: Handle, tables: SQLiteTable[] = schemaTables()): Drift {
  const inDatabase = linesOfDatabase(handle);
  const inSchema = tables.flatMap(linesOfTable);
  return {
    onlyInDatabase: inDatabase.filter((line) => !inSchema.includes(line)),
    onlyInSchema: inSchema.filter((line) => !inDatabase.includes(line)),
  };
}

/** The tables of both. */
export const schemaTables = (): SQLiteTable[] =>
  [...Object.values(schema), ...Object.values(orders)].filter((table) => is(table, SQLiteTable));

function linesOfDatabase(handle: Handle): string[] {
  const query = (sql: string) => handle.prepare(sql).raw(true).all([]) as Cell[][];
  const tables = query(
    `SELECT name, strict FROM pragma_table_list
     WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
  );
  return tables.flatMap(([table, strict]) => {
    const lines = [`${table} is ${strict === 1 ? "STRICT" : "not STRICT"}`];
    for (const [, name, type, isNotNull, defaultValue, key] of query(`PRAGMA table_xinfo(${table})`))
      lines.push(columnLine(`${table}.${name}`, String(type), isNotNull === 1 || key !== 0, defaultValue));
    const key = query(`SELECT name FROM pragma_table_info('${table}') WHERE pk > 0 ORDER BY pk`).flat();
    if (key.length > 0) lines.push(`${table} has the primary key ${key.join(", ")}`);
    for (const [, name, isUnique, origin] of query(`PRAGMA index_list(${table})`)) {
      const parts = query(
        `SELECT name, coll FROM pragma_index_xinfo('${name}') WHERE key = 1 ORDER BY seqno`,
      ).map(
        ([column, collation], at) =>
          (column === null ? expressionsOf(query, String(name))[at] : column) +
          (column === null || collation === "BINARY" ? "" : ` COLLATE ${collation}`),
      );
      if (origin === "u") lines.push(`${table} is unique in ${parts.join(", ")}`);
      if (origin === "c")
        lines.push(indexLine(String(name), isUnique === 1, parts, whereOf(query, String(name))));
    }
    for (const [target, from, to, onDelete] of query(
      `SELECT "table", group_concat("from", ', '), group_concat("to", ', '), on_delete
       FROM (SELECT * FROM pragma_foreign_key_list('${table}') ORDER BY id, seq) GROUP BY id`,
    ))
      lines.push(`${table}.${from} refers to ${target}.${to}, on delete ${String(onDelete).toLowerCase()}`);
    return lines;
  });
}

const whereOf = (query: RunQuery, name: string): string =>
  /\bWHERE\b(.*)$/s.exec(sqlOf(query, name))?.[1]?.trim() ?? "";

/** What an index is on; SQLite itself does not name an expression. */
const expressionsOf = (query: RunQuery, name: string): string[] =>
  /\bON \w+ \((.*?)\)(?: WHERE|$)/s.exec(sqlOf(query, name))?.[1]?.split(/, (?![^(]*\))/) ?? [];

function sqlOf(query: RunQuery, name: string): string {
  const [row] = query(`SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = '${name}'`);
  return String(must(row, `the index ${name}`)[0]);
}

function linesOfTable(table: SQLiteTable): string[] {
  const { name, primaryKeys, uniqueConstraints, indexes, foreignKeys } = getTableConfig(table);
  const columns = Object.values(getTableColumns(table));
  const lines = [`${name} is STRICT`];
  for (const column of columns)
    lines.push(
      columnLine(
        `${name}.${column.name}`,
        column.getSQLType(),
        column.notNull || column.primary,
        defaultOf(column),
      ),
    );
  const key = primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary);
  if (key.length > 0) lines.push(`${name} has the primary key ${namesOf(key)}`);
  for (const column of columns) if (column.isUnique) lines.push(`${name} is unique in ${column.name}`);
  for (const constraint of uniqueConstraints)
    lines.push(`${name} is unique in ${namesOf(constraint.columns)}`);
  for (const { config } of indexes)
    lines.push(
      indexLine(
        config.name,
        config.unique,
        config.columns.map((part) => (is(part, SQL) ? textOf(part) : part.name)),
        config.where ? textOf(config.where) : "",
      ),
    );
  for (const { reference, onDelete } of foreignKeys) {
    const { columns: from, foreignTable, foreignColumns: to } = reference();
    const target = getTableConfig(foreignTable).name;
    lines.push(
      `${name}.${namesOf(from)} refers to ${target}.${namesOf(to)}, on delete ${onDelete ?? "no action"}`,
    );
  }
  return lines;
}

const namesOf = (columns: Column[]): string => columns.map(({ name }) => name).join(", ");

const textOf = (part: SQL): string => dialect.sqlToQuery(part).sql.replace(/"\w+"\."(\w+)"|"(\w+)"/g, "$1$2");

function defaultOf({ default: value }: Column): Cell {
  if (value === undefined) return null;
  if (is(value, SQL)) return textOf(value);
  return typeof value === "string" ? `'${value}'` : String(value);
}

const columnLine = (name: string, type: string, isNotNull: boolean, defaultValue: Cell | undefined): string =>
  `${name} is ${type.toUpperCase()}${isNotNull ? " NOT NULL" : ""}${defaultValue == null ? "" : ` DEFAULT ${defaultValue}`}`;

const indexLine = (name: string, isUnique: boolean, parts: string[], where: string): string =>
  `${isUnique ? "unique " : ""}index ${name} on ${parts.join(", ")}${where === "" ? "" : ` WHERE ${where}`}`;
