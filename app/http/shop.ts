// What every answer of a shop has in common.

/** Where URLs begin (`PUBLIC_URL` without its last slash, or empty) and the one currency, ISO 4217. */
export type Shop = { publicUrl: string; currency: string };
