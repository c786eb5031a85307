// A short-lived process that prints the dataset of a file as JSON (`null` for none) and does not change the file.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf } from "../../db/message.ts";
import { must } from "../../db/must.ts";
import { openHandle } from "../../db/read/reader.ts";

const CACHE_KB = 256;
const NO_SHOP = /no such table|no such column|not a database|malformed/i;

function read(path: string): string[] | undefined {
  try {
    const handle = openHandle(`${pathToFileURL(resolve(path)).href}?mode=ro`, CACHE_KB);
    return handle.prepare("SELECT id, generation FROM dataset").raw(true).get([]) as string[] | undefined;
  } catch (thrown) {
    if (NO_SHOP.test(String(thrown))) return undefined;
    throw thrown;
  }
}

if (import.meta.main) {
  try {
    const [id, generation] = read(must(process.argv[2], "the path")) ?? [];
    process.stdout.write(JSON.stringify(id === undefined ? null : { id, generation }));
  } catch (thrown) {
    process.stderr.write(messageOf(thrown));
    process.exitCode = 1;
  }
}
