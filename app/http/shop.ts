// The settings of a shop that its answers show.

/** The prefix of URLs (`PUBLIC_URL` without its last slash, or empty), and the shop's currency (ISO 4217). */
export type Shop = { publicUrl: string; currency: string };
