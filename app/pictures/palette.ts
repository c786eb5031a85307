// The colours of a drawn shoe: colour words as hex values, and lighter and darker shades.

/** A deterministic 32-bit hash of a text. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** The entry of a list that a hash chooses; `salt` makes choices from one hash independent. */
export function choose<T>(list: readonly [T, ...T[]], hash: number, salt: number): T {
  return list[hashText(`${hash}/${salt}`) % list.length] ?? list[0];
}

const WORD_COLORS: Record<string, string> = {
  black: "#2b2c31",
  noir: "#2b2c31",
  ebony: "#2b2c31",
  white: "#f3f2ee",
  ivory: "#f1ead9",
  cream: "#efe5cf",
  ecru: "#e8dcc3",
  chalk: "#ecebe4",
  grey: "#8d939b",
  gray: "#8d939b",
  charcoal: "#4c5057",
  silver: "#bcc2ca",
  navy: "#27375c",
  indigo: "#3b3f86",
  blue: "#3a6fb7",
  sky: "#83b5dd",
  denim: "#4c6a92",
  teal: "#25797b",
  turquoise: "#35a7a6",
  aqua: "#56b9c4",
  green: "#3f7d55",
  mint: "#9bcfb4",
  sage: "#93a88b",
  olive: "#6d6f41",
  khaki: "#918a61",
  yellow: "#e9c146",
  mustard: "#c9992e",
  gold: "#c6a255",
  orange: "#e07b3a",
  coral: "#e8806d",
  red: "#c23a3c",
  burgundy: "#6f2537",
  maroon: "#6f2537",
  pink: "#e39bb0",
  rose: "#d98a98",
  nude: "#dfb79c",
  purple: "#6f5198",
  violet: "#7a5aa8",
  lilac: "#b5a0d3",
  brown: "#6e4a33",
  chocolate: "#54362a",
  cognac: "#9d5a2d",
  tan: "#b98a5b",
  camel: "#bd9160",
  sand: "#d2bb93",
  beige: "#d6c3a3",
  taupe: "#97887a",
  bronze: "#8a6a45",
};

const FALLBACK_COLORS = [
  "#3a6fb7",
  "#c23a3c",
  "#3f7d55",
  "#27375c",
  "#e07b3a",
  "#25797b",
  "#8d939b",
  "#6f5198",
  "#b98a5b",
  "#2b2c31",
] as const;

/** The colours named in a text, in the order of its words. */
export function colorsIn(text: string): string[] {
  const found: string[] = [];
  for (const word of text.toLowerCase().split(/[^a-z]+/, 200)) {
    const color = Object.hasOwn(WORD_COLORS, word) ? WORD_COLORS[word] : undefined;
    if (color !== undefined && !found.includes(color)) found.push(color);
  }
  return found;
}

/** A colour for a shoe whose attributes name none. */
export const fallbackColor = (hash: number): string => choose(FALLBACK_COLORS, hash, 1);

const channels = (hex: string): [number, number, number] => {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
};

/** `hex` moved towards `other` by `share` (0..1). */
export function mix(hex: string, other: string, share: number): string {
  const to = channels(other);
  const mixed = channels(hex).map((from, index) => Math.round(from + ((to[index] ?? from) - from) * share));
  return `#${mixed.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}

export const lighter = (hex: string, share: number): string => mix(hex, "#ffffff", share);
export const darker = (hex: string, share: number): string => mix(hex, "#15131a", share);

/** The perceived brightness of a colour, 0..255. */
export function brightness(hex: string): number {
  const [red, green, blue] = channels(hex);
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/** The distance of two colours in RGB, 0..441. */
export function distance(one: string, other: string): number {
  const to = channels(other);
  return Math.hypot(...channels(one).map((from, index) => from - (to[index] ?? from)));
}
