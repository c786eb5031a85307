// Fills an empty catalogue with demo shoes at the start of a shop.
import type { Database } from "../../../db/database.ts";
import { computeRelated, openSaving, saveShoes } from "../../shoes/shoes.ts";
import { demoShoes } from "./demo.ts";

/** Demo shoes in a new shop. */
export const DEMO_SHOES = 1_000;
const CHUNK_SHOES = 1_000;

/** Adds demo shoes if the catalogue has none; returns how many were added. */
export async function fillDemo(db: Database, count = DEMO_SHOES): Promise<number> {
  if (db.read.get("SELECT 1 FROM shoes LIMIT 1")) return 0;
  const saving = openSaving(db);
  let chunk = [];
  for (const draft of demoShoes(count)) {
    chunk.push(draft);
    if (chunk.length < CHUNK_SHOES) continue;
    await saveShoes(saving, chunk, { origin: "demo", onConflict: "skip", nowMs: Date.now() });
    chunk = [];
  }
  if (chunk.length > 0)
    await saveShoes(saving, chunk, { origin: "demo", onConflict: "skip", nowMs: Date.now() });
  await computeRelated(db);
  return count;
}
