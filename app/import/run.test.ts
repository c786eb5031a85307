// Whole imports against a store in memory: every row is accounted for, and a second run changes nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OnConflict, SaveCounts, ShoeDraft } from "../shoes/shoes.ts";
import { readRate } from "./money.ts";
import type { ImportOptions } from "./options.ts";
import { runImport } from "./run.ts";
import type { ShoeStore } from "./store.ts";

const DATA = join(import.meta.dir, "../../../shared/data");
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "insole-import-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

type MemoryStore = ShoeStore & { shoes: Map<string, ShoeDraft>; calls: string[]; inFlightMax: number };

function memoryStore(): MemoryStore {
  const shoes = new Map<string, ShoeDraft>();
  let inFlight = 0;
  function count(
    drafts: ShoeDraft[],
    onConflict: OnConflict,
    into: Map<string, ShoeDraft> | null,
  ): SaveCounts {
    const counts = { added: 0, replaced: 0, unchanged: 0 };
    for (const draft of drafts) {
      const known = shoes.get(draft.shoeId);
      if (known !== undefined && onConflict === "fail" && into !== null)
        throw new Error(`shoe ${draft.shoeId} is there already`);
      if (known === undefined) counts.added += 1;
      else if (onConflict === "skip" || Bun.deepEquals(known, draft)) counts.unchanged += 1;
      else counts.replaced += 1;
      if (known === undefined || onConflict === "replace") into?.set(draft.shoeId, draft);
    }
    return counts;
  }
  const store: MemoryStore = {
    shoes,
    calls: [],
    inFlightMax: 0,
    save: async (drafts, onConflict) => {
      store.calls.push("save");
      inFlight += 1;
      store.inFlightMax = Math.max(store.inFlightMax, inFlight);
      await Bun.sleep(1);
      inFlight -= 1;
      return count(drafts, onConflict, shoes);
    },
    preview: async (drafts, onConflict) => count(drafts, onConflict, null),
    finish: async () => {
      store.calls.push("finish");
      return 0;
    },
    removeDemo: async () => {
      store.calls.push("removeDemo");
      return 3;
    },
  };
  return store;
}

function optionsFor(files: string[], changes: Partial<ImportOptions> = {}): ImportOptions {
  return {
    files,
    dataDir: folder,
    money: { currency: "USD", rates: new Map() },
    mapping: {},
    onConflict: "replace",
    where: new Map(),
    dryRun: false,
    keepDemo: false,
    rejectsPath: join(folder, "rejects.ndjson"),
    signal: new AbortController().signal,
    onProgress: () => {},
    ...changes,
  };
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const rejected = () =>
  readFileSync(join(folder, "rejects.ndjson"), "utf8")
    .trim()
    .split("\n")
    .map(
      (line) => JSON.parse(line) as { line: number; field: string | null; reason: string; cells: unknown },
    );

describe.skipIf(!existsSync(DATA))(`real files (skipped where ${DATA} is missing)`, () => {
  const EUR = { money: { currency: "USD", rates: new Map([readRate("EUR=1.08")]) } };
  const SHOES = { where: new Map([["category", ["Shoes"]]]) };
  const rows: [
    file: string,
    changes: Partial<ImportOptions>,
    read: number,
    added: number,
    duplicates: number,
  ][] = [
    ["adidas_vs_nike.csv", {}, 3268, 3179, 89],
    ["adidas_usa.csv", {}, 845, 845, 0],
    ["adidas_usa.csv", SHOES, 426, 426, 0],
    ["matchesfashion_shoes.json", {}, 3337, 2544, 793],
    ["svd_sneakers_eur_dirty.csv", EUR, 2520, 627, 1893],
    ["svd_sneakers_eur_dirty.csv", {}, 2520, 0, 0],
  ];
  test.each(rows)("%s %p", async (file, changes, read, added, duplicates) => {
    const store = memoryStore();
    const options = optionsFor([join(DATA, file)], changes);
    const first = await runImport(store, options);
    expect(first).toMatchObject({
      read,
      added,
      duplicates,
      rejected: read - added - duplicates,
      replaced: 0,
    });
    expect(store.shoes.size).toBe(added);
    expect(await runImport(store, options)).toMatchObject({ read, added: 0, unchanged: added, duplicates });
  });
});

describe("an import", () => {
  test("accounts for every row, for refused ones with line, field and cells", async () => {
    const file = write(
      "mixed.csv",
      'id,name,price,size,image\n1,A,10,7,\n1,A,10,8,\n2,"B\nb",10,,\n2,"B\nb",10,,\n3,C,x,,\n4,D\n5,E,5,,javascript:x\n',
    );
    const store = memoryStore();
    const summary = await runImport(store, optionsFor([file]));
    expect(summary).toMatchObject({
      read: 6,
      added: 2,
      duplicates: 1,
      rejected: 3,
      variants: 1,
      demoRemoved: 3,
    });
    expect(store.shoes.get("1")?.sizes.map(({ size }) => size)).toEqual(["7", "8"]);
    expect(rejected()).toEqual([
      expect.objectContaining({ line: 9, field: null, reason: "has 2 cells where the header has 5" }),
      expect.objectContaining({
        line: 8,
        field: "/price",
        cells: { id: "3", name: "C", price: "x", size: "", image: "" },
      }),
      expect.objectContaining({ line: 10, field: "/images" }),
    ]);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("writes refused rows where only their owner can read them, whatever the umask is", async () => {
    const before = process.umask(0);
    try {
      await runImport(memoryStore(), optionsFor([write("secret.csv", "id,name,price\n1,A,x\n")]));
    } finally {
      process.umask(before);
    }
    expect(rejected()).toHaveLength(1);
    expect(statSync(join(folder, "rejects.ndjson")).mode & 0o777).toBe(0o600);
  });

  test("merges rows of one shoe across a large file and across files", async () => {
    const line = (id: number, size: string) => `S${id},${"Runner ".repeat(20)}${id},10,${size}\n`;
    const rows = Array.from({ length: 9000 }, (_, id) => id);
    const a = write("a.csv", `id,name,price,size\n${rows.map((id) => line(id, "7")).join("")}`);
    const b = write(
      "b.csv",
      `id,name,price,size\n${rows.map((id) => line(8999 - id, id < 4500 ? "8" : "7")).join("")}`,
    );
    const store = memoryStore();
    const summary = await runImport(store, optionsFor([a, b]));
    expect(summary).toMatchObject({
      read: 13_500,
      added: 9000,
      duplicates: 4500,
      variants: 4500,
      leftOut: 0,
    });
    expect(store.shoes.get("S8999")?.sizes).toHaveLength(2);
    expect(store.calls).toEqual(["removeDemo", ...Array<string>(9).fill("save"), "finish"]);
    expect(store.inFlightMax).toBe(2);
  });

  test("lets further rows of a shoe leave out title and price", async () => {
    const file = write("shop.csv", "handle,title,price,size\nrun,Run,10,7\nrun,,,8\nrun,,,9\nwalk,,,9\n");
    const summary = await runImport(memoryStore(), optionsFor([file]));
    expect(summary).toMatchObject({ read: 2, added: 1, variants: 2, rejected: 1 });
  });

  test("writes nothing in a dry run", async () => {
    const store = memoryStore();
    const file = write("dry.json", '[{"id":"a","name":"A","price":1},{"id":"b","name":"B","price":2}]');
    expect(await runImport(store, optionsFor([file], { dryRun: true }))).toMatchObject({ read: 2, added: 2 });
    expect(store.calls).toEqual([]);
    expect(store.shoes.size).toBe(0);
  });

  test("with skip leaves an existing shoe, with fail writes nothing if one exists", async () => {
    const store = memoryStore();
    await runImport(store, optionsFor([write("one.csv", "id,name,price\nb,B,1\n")]));
    const file = write("two.csv", "id,name,price\na,A,2\nb,B,2\n");
    await expect(runImport(store, optionsFor([file], { onConflict: "fail" }))).rejects.toThrow(
      "1 of 2 shoes exist already (--on-conflict fail); nothing was written",
    );
    expect(store.shoes.has("a")).toBe(false);
    expect(await runImport(store, optionsFor([file], { onConflict: "skip" }))).toMatchObject({
      added: 1,
      unchanged: 1,
    });
    expect(store.shoes.get("b")?.priceCents).toBe(100);
  });

  test("with fail imports new shoes, also those whose rows are far apart", async () => {
    const files = ["7", "8"].map((size) => write(`size-${size}.csv`, `id,name,price,size\na,A,2,${size}\n`));
    const store = memoryStore();
    const summary = await runImport(store, optionsFor(files, { onConflict: "fail" }));
    expect(summary).toMatchObject({ read: 1, added: 1, variants: 1 });
    expect(store.shoes.get("a")?.sizes).toHaveLength(2);
  });

  test("interrupted before the start reads nothing", async () => {
    const options = optionsFor([write("one.csv", "id,name,price\nb,B,1\n")], { signal: AbortSignal.abort() });
    expect(await runImport(memoryStore(), options)).toMatchObject({ read: 0, isInterrupted: true });
  });

  test("interrupted later finishes the chunk under way and starts no other", async () => {
    const rows = Array.from({ length: 9000 }, (_, id) => `${id},Runner,10\n`);
    const file = write("long.csv", `id,name,price\n${rows.join("")}`);
    const interrupted = new AbortController();
    const store = memoryStore();
    const { save } = store;
    store.save = (drafts, onConflict) => {
      interrupted.abort();
      return save(drafts, onConflict);
    };
    const summary = await runImport(store, optionsFor([file], { signal: interrupted.signal }));
    expect(summary).toMatchObject({ isInterrupted: true, added: 1000 });
    expect(store.shoes.size).toBe(1000);
    expect(store.calls).toEqual(["removeDemo", "save"]);
  });

  test("ends when the store fails, and reports the shoes that stay saved", async () => {
    const rows = Array.from({ length: 9000 }, (_, id) => `${id},Runner,10\n`);
    const file = write("long.csv", `id,name,price\n${rows.join("")}`);
    const store = memoryStore();
    const { save } = store;
    store.save = (drafts, onConflict) =>
      store.calls.length > 2 ? Promise.reject(new Error("the disk is full")) : save(drafts, onConflict);
    await expect(runImport(store, optionsFor([file]))).rejects.toThrow(
      "the disk is full (2000 shoes added and 0 replaced before stay saved)",
    );
  });

  test("removes temporary files of imports that are no longer running, and no others", async () => {
    const dead = Bun.spawnSync(["true"]).pid;
    write(`import-${dead}.tmp`, "");
    write(`import-${process.ppid}.tmp`, "");
    await runImport(memoryStore(), optionsFor([write("one.csv", "id,name,price\nb,B,1\n")]));
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([
      `import-${process.ppid}.tmp`,
    ]);
    rmSync(join(folder, `import-${process.ppid}.tmp`));
  });
});
