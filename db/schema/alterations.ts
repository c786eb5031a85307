// What was altered by hand: how tables, indexes, triggers and views differ from those that the migrations create.
import { openHandle } from "../read/reader.ts";
import { APPLIED, LEDGER, readMigrations } from "./migrate.ts";

/** An object of a database as SQLite keeps it; `sql` is empty for the tables that a full-text index keeps for itself. */
export type SchemaObject = [type: string, name: string, sql: string];

/** Runs a query on the database of a file or of a server. */
export type Query = (sql: string) => unknown[][] | Promise<unknown[][]>;

const CACHE_KB = 2_048;

// Each table is followed by its indexes and triggers. Names with these beginnings are the engine's own.
const OBJECTS = `SELECT type, name, iif(name IN (SELECT name FROM pragma_table_list WHERE type = 'shadow'), '', sql)
  FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'libsql\\_%' ESCAPE '\\'
  ORDER BY tbl_name, type <> 'table', type, name`;

/**
 * What differs, one phrase for each object; empty where nothing does, and where a newer program has migrated the database, whose
 * schema this one does not know.
 */
export async function findAlterations(query: Query, migrations = readMigrations()): Promise<string[]> {
  const applied = await query(APPLIED);
  if (applied.some(([number]) => Number(number) > migrations.length)) return [];
  return compareObjects((await query(OBJECTS)) as SchemaObject[], objectsOf(migrations));
}

/** The objects that statements create in an empty database, by default all migrations. */
export function objectsOf(statements: { sql: string }[] = readMigrations()): SchemaObject[] {
  const handle = openHandle(":memory:", CACHE_KB);
  try {
    handle.exec(LEDGER);
    for (const { sql } of statements) handle.exec(sql);
    return handle.prepare(OBJECTS).raw(true).all([]) as SchemaObject[];
  } finally {
    handle.close();
  }
}

/** How the objects found differ from the expected ones, one phrase each; white space and comments do not matter. */
export function compareObjects(found: SchemaObject[], expected: SchemaObject[]): string[] {
  const key = ([type, name]: SchemaObject): string => `${type} ${name}`;
  const others = new Map(found.map((each) => [key(each), each]));
  const known = new Set(expected.map(key));
  const differing = expected.flatMap((each) => {
    const other = others.get(key(each));
    if (!other) return [`${key(each)} is missing`];
    const difference = differenceOf(partsOf(other), partsOf(each));
    return difference === null ? [] : [`${key(each)} ${difference}`];
  });
  const added = found.filter((each) => !known.has(key(each))).map((each) => `${key(each)} was added`);
  return [...differing, ...added];
}

function differenceOf(found: string[], expected: string[]): string | null {
  const quoted = (parts: string[]): string => parts.map((part) => `"${part}"`).join(" and ");
  const lacks = expected.filter((part) => !found.includes(part));
  const has = found.filter((part) => !expected.includes(part));
  if (lacks.length > 0 && has.length > 0) return `has ${quoted(has)} instead of ${quoted(lacks)}`;
  if (lacks.length > 0) return `lacks ${quoted(lacks)}`;
  if (has.length > 0) return `has ${quoted(has)} besides`;
  return found.join() === expected.join() ? null : "has its parts in another order";
}

const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[\w.\u0080-\uffff]+|->>?|\|\||<>|<<|>>|[<>=!]=|\S/g;

/** Words that begin a clause of a trigger or a view. */
const CLAUSE = /^(WHEN|BEGIN|SELECT|SET|FROM|LEFT|JOIN|WHERE)$/i;

/** The columns and constraints of a table, and what stands before and after them; the clauses of anything else. */
function partsOf([type, , sql]: SchemaObject): string[] {
  const parts: string[] = [];
  const isTable = type === "table";
  let part = "";
  let last = "";
  let depth = 0;
  const end = () => {
    if (part !== "") parts.push(part);
    part = "";
    last = "";
  };
  for (const token of sql.match(TOKEN) ?? []) {
    if (token.startsWith("--") || token.startsWith("/*")) continue;
    if (token === ")") depth -= 1;
    const isBetween = isTable
      ? depth === 1 && token === ","
      : depth === 0 && (token === "," || token === ";");
    const opensOrCloses = isTable && depth === 0 && (token === "(" || token === ")");
    if (!isTable && depth === 0 && CLAUSE.test(token)) end();
    if (isBetween || opensOrCloses) end();
    else {
      const isTight =
        part === "" || last === "(" || /^[),;]$/.test(token) || (token === "(" && /^[a-z]/.test(last));
      part += isTight ? token : ` ${token}`;
      last = token;
    }
    if (token === "(") depth += 1;
  }
  end();
  return parts;
}
