// Chooses the silhouette of a shoe by the words of its category and title.

/** The names of all silhouettes. */
const SILHOUETTE_NAMES = [
  "runner",
  "court",
  "kids",
  "skate",
  "hiker",
  "boot",
  "sandal",
  "heel",
  "loafer",
  "slipper",
  "flat",
] as const;

export type SilhouetteName = (typeof SILHOUETTE_NAMES)[number];

// Tried in order, specific words before general ones: "hiking boots" are hikers, "heeled sandals" heels.
const NAME_PATTERNS: readonly [SilhouetteName, RegExp][] = [
  ["kids", /\b(kids?|child(ren)?|infants?|toddlers?|juniors?)\b/],
  ["hiker", /\b(hik(e|er|ers|ing)|trek(king)?)\b/],
  ["slipper", /\b(slippers?|mules?|clogs?|shearling)\b/],
  ["heel", /\b(heel(s|ed)?|pumps?|stilettos?|platforms?|wedges?|slingbacks?)\b/],
  ["boot", /\b(boots?|booties?|chelsea|wellingtons?|chukkas?)\b/],
  ["sandal", /\b(sandals?|slides?|flip|flops?|espadrilles?|thongs?)\b/],
  ["hiker", /\b(mountain|outdoor|walking)\b/],
  ["flat", /\b(flats?|baller(ina|inas)|ballet)\b/],
  ["loafer", /\b(loafers?|moccasins?|oxfords?|derby|derbies|brogues?|formal|dress|boat|monk|driving)\b/],
  ["skate", /\b(skate(boarding)?|basketball|high|hi|mid)\b/],
  ["runner", /\b(run(ning|ner|ners)?|jogging|marathon|racers?|boost|training|gym|football|soccer)\b/],
  ["court", /\b(trainers?|sneakers?|tennis|court|canvas|casual|low)\b/],
];

/** The silhouette by the category, else by the title, else a plain trainer. */
export function silhouetteNameOf(category: string | null, title: string): SilhouetteName {
  for (const text of [category ?? "", title]) {
    const words = text.toLowerCase();
    const found = NAME_PATTERNS.find(([, pattern]) => pattern.test(words));
    if (found) return found[0];
  }
  return "court";
}
