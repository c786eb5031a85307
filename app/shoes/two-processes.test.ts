// Two processes that change one shoe concurrently: neither loses a change of the other.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { ask } from "../testing/people.ts";
import { shoe } from "../testing/shop.ts";
import { type AdminShop, openAdminShop } from "../testing/writes.ts";
import { findDraft } from "./write/save.ts";

const FIELDS = {
  name: "Name",
  description: "Description",
  brand: "Brand",
  category: "Category",
  color: "Color",
  gender: "Gender",
  sizeSystem: "System",
  href: "/href",
};

let shop: AdminShop;
let child: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined;
beforeAll(async () => {
  shop = await openAdminShop([shoe("shared")]);
});
afterAll(async () => {
  child?.kill("SIGKILL");
  await child?.exited;
  await shop.close();
});

/** Starts a second shop on the same folder, with the same secret. */
async function startOther(): Promise<string> {
  child = Bun.spawn([process.execPath, join(import.meta.dir, "../main.ts")], {
    env: { PORT: "0", DATA_DIR: dirname(shop.databasePath), DEMO: "false", RATE_LIMIT_MAX: "0" },
    stdout: "pipe",
  });
  let log = "";
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  // The reader is not cancelled: the program would end once its output is closed.
  for (let read = await lines.read(); !read.done; read = await lines.read()) {
    log += read.value;
    const url = /"shop":"([^"]+)"/.exec(log)?.[1];
    if (url) return url;
  }
  throw new Error(`the second shop did not start: ${log}`);
}

test("all changes are kept, whichever process makes them", async () => {
  const url = await startOther();
  const other = { get: (path: string, init?: RequestInit) => fetch(`${url}${path}`, init) };
  const change = async (field: string, value: string, index: number) => {
    const to = index % 2 === 0 ? shop : other;
    const options = { token: shop.token, body: { [field]: value } };
    return (await ask(to, "PUT", "/api/products/shared", options)).status;
  };
  const fields = Object.entries(FIELDS);
  const statuses = await Promise.all(fields.map(([field, value], index) => change(field, value, index)));
  expect(statuses).toEqual(fields.map(() => 200));
  const { name, ...rest } = FIELDS;
  expect(findDraft(shop.db, "shared")).toMatchObject({
    version: fields.length + 1,
    draft: { ...rest, title: name },
  });
});
