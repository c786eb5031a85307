// The import: two passes over the files, shoes saved in chunks, every row accounted for.
import { messageOf } from "../../db/message.ts";
import { must } from "../../db/must.ts";
import type { SaveCounts } from "../shoes/shoes.ts";
import { type Columns, createRecognition } from "./columns.ts";
import { createGroup } from "./group.ts";
import { identityOf } from "./identity.ts";
import { hashKey, openKeys, type ParkedRow, type RowKeys } from "./keys.ts";
import type { ImportOptions } from "./options.ts";
import { fileBytes } from "./read.ts";
import { openRejects, type Rejects } from "./rejects.ts";
import { convertRow, type Refusal } from "./row.ts";
import { createSaver, type SavedCounts, type Saver } from "./saver.ts";
import type { ShoeStore } from "./store.ts";
import { type LocatedRow, type RowBatch, readRowBatches } from "./walk.ts";

/** The outcome of all rows: read = added + replaced + unchanged + duplicates + rejected. */
export type Summary = SaveCounts & {
  read: number;
  duplicates: number;
  /** Duplicates that differ from the first row of their shoe. */
  superseded: number;
  rejected: number;
  /** Rows that added a size or colour to the shoe of an earlier row; not counted in `read`. */
  variants: number;
  /** Rows left out by `where`; not counted in `read`. */
  leftOut: number;
  demoRemoved: number;
  /** Ids in given related lists for which no shoe exists yet. */
  unknownRelated: number;
  isInterrupted: boolean;
};

const PASSES = 2;

/** Imports the files into the store. Throws when it cannot continue; shoes saved until then stay. */
export async function runImport(store: ShoeStore, options: ImportOptions): Promise<Summary> {
  const sizes = await Promise.all(options.files.map(fileBytes));
  const mustPreviewAll = options.onConflict === "fail" && !options.dryRun;
  const bytesTotal = sizes.reduce((sum, bytes) => sum + bytes, 0) * (PASSES + (mustPreviewAll ? 1 : 0));
  let bytesDone = 0;
  const onBytes = (bytes: number) => {
    bytesDone += bytes;
    options.onProgress(bytesDone, bytesTotal);
  };
  const keys = openKeys(options.dataDir);
  try {
    for await (const { rows } of readRowBatches(options, onBytes))
      keys.count(rows.map(({ identity }) => hashKey(identity.key)));
    keys.endCounting();
    if (mustPreviewAll) await convertAll(store, { ...options, dryRun: true }, keys, onBytes);
    return await convertAll(store, options, keys, onBytes);
  } finally {
    keys.close();
  }
}

async function convertAll(
  store: ShoeStore,
  options: ImportOptions,
  keys: RowKeys,
  onBytes: (bytes: number) => void,
): Promise<Summary> {
  keys.restart();
  const rejects = openRejects(options.rejectsPath);
  const pass: ConversionPass = {
    options,
    keys,
    rejects,
    saver: createSaver(store, options),
    recognise: createRecognition(options.mapping),
    counts: { read: 0, duplicates: 0, superseded: 0, rejected: 0, variants: 0, leftOut: 0 },
  };
  const { saver, counts } = pass;
  try {
    for await (const walked of readRowBatches(options, onBytes)) await convertBatch(pass, walked);
    const isInterrupted = options.signal.aborted;
    if (!isInterrupted) await saver.flush();
    await saver.settle();
    const summary: Summary = { ...counts, ...saver.saved, unknownRelated: 0, isInterrupted };
    if (isInterrupted) return summary;
    assertAddsUp(summary);
    return options.dryRun ? summary : { ...summary, unknownRelated: await store.finish() };
  } catch (error) {
    await saver.settle().catch(() => error);
    const { added, replaced } = saver.saved;
    if (options.dryRun || added + replaced === 0) throw error;
    const reason = messageOf(error);
    throw new Error(`${reason} (${added} shoes added and ${replaced} replaced before stay saved)`, {
      cause: error,
    });
  } finally {
    rejects.close();
  }
}

function assertAddsUp(summary: Summary): void {
  const { read, added, replaced, unchanged, duplicates, rejected } = summary;
  if (read !== added + replaced + unchanged + duplicates + rejected)
    throw new Error(`the numbers of the import do not add up: ${JSON.stringify(summary)}`);
}

/** The pass that converts and saves the rows, with its counts so far. */
type ConversionPass = {
  options: ImportOptions;
  keys: RowKeys;
  rejects: Rejects;
  saver: Saver;
  recognise: (names: readonly string[]) => Columns;
  counts: Omit<Summary, keyof SavedCounts | "unknownRelated" | "isInterrupted">;
};

async function convertBatch(pass: ConversionPass, { rows, faults, leftOut }: RowBatch): Promise<void> {
  const { counts, keys, saver, options } = pass;
  counts.leftOut += leftOut;
  counts.read += faults.length + rows.length;
  for (const { file, row } of faults)
    reject(pass, { file, ...row }, { field: null, reason: must(row.fault, "the fault") });
  const hashes = rows.map(({ identity }) => hashKey(identity.key));
  const shared = keys.shared(hashes);
  const rowsByHash = new Map<number, LocatedRow[]>();
  for (const [index, row] of rows.entries()) {
    const hash = must(hashes[index], "the hash");
    if (shared.has(hash)) {
      const others = rowsByHash.get(hash);
      if (others === undefined) rowsByHash.set(hash, [row]);
      else others.push(row);
      continue;
    }
    const converted = convertRow(row.cells, row.columns, row.identity, options.money, null);
    if ("draft" in converted) await saver.save(converted.draft);
    else reject(pass, row, converted.refusal);
  }
  const incomplete = new Map<number, ParkedRow[]>();
  for (const [hash, group] of rowsByHash)
    if (group.length === shared.get(hash)) await convertGroup(pass, group);
    else incomplete.set(hash, group.map(toParked));
  for (const group of keys.unpark(keys.park(incomplete))) await convertGroup(pass, group);
  pass.rejects.flush();
}

/** Converts all rows with one hash, grouped by key, because two keys may share a hash. */
async function convertGroup(pass: ConversionPass, rows: Iterable<ParkedRow | LocatedRow>): Promise<void> {
  const { counts, recognise, saver, options } = pass;
  const groups = new Map<string, ReturnType<typeof createGroup<ParkedRow | LocatedRow>>>();
  for (const row of rows) {
    const key = "key" in row ? row.key : row.identity.key;
    let group = groups.get(key);
    if (group === undefined) {
      group = createGroup(({ cells }, base) => {
        const columns = recognise(Object.keys(cells));
        return convertRow(cells, columns, identityOf(cells, columns), options.money, base);
      });
      groups.set(key, group);
    }
    group.add(row);
  }
  for (const group of groups.values()) {
    const { draft, variants, duplicates, superseded, refused } = group.result();
    counts.variants += variants;
    counts.read -= variants;
    counts.duplicates += duplicates;
    counts.superseded += superseded;
    for (const { row, refusal } of refused) reject(pass, row, refusal);
    if (draft !== null) await saver.save(draft);
  }
}

function reject(
  pass: ConversionPass,
  row: Pick<LocatedRow, "file" | "line" | "cells">,
  refusal: Refusal,
): void {
  pass.counts.rejected += 1;
  const { line, cells } = row;
  pass.rejects.add({ file: must(pass.options.files[row.file], "the file"), line, ...refusal, cells });
}

function toParked({ file, line, cells, identity }: LocatedRow): ParkedRow {
  return { file, line, cells, key: identity.key };
}
