// What other rooms may use of shoes: how one is found, shown, saved and related.
export { findIdOfSlug, noShoe, shoeIdAt } from "./find.ts";
export type { Showcase, ShowcaseShoe } from "./list/showcase.ts";
export { computeRelated } from "./related/backlog.ts";
export { shoeJson } from "./views.ts";
export { checkDraft, isShoeId, LIMITS, type ShoeDraft, type SizeStock } from "./write/draft.ts";
export type { OnConflict, ShoeSource } from "./write/row.ts";
export { openSaving, previewShoes, type SaveCounts, type Saving, saveShoes } from "./write/save.ts";
