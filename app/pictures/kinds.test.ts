// The silhouette of a shoe: by its category first, then by its title.
import { expect, test } from "bun:test";
import { type SilhouetteName, silhouetteNameOf } from "./kinds.ts";

const ROWS: readonly [category: string | null, title: string, kind: SilhouetteName][] = [
  ["Running", "Fell Racer", "runner"],
  ["Trainers", "Fell Court", "court"],
  ["Skate", "Fell Deck", "skate"],
  ["Hiking", "Fell Hiking Boot", "hiker"],
  ["Boots", "Fell Trek", "boot"],
  ["Sandals", "Fell Heel", "sandal"],
  ["Heels", "Fell Pump", "heel"],
  ["Flats", "Fell Ballet", "flat"],
  ["Loafers", "Fell Driver", "loafer"],
  ["Slippers", "Fell Mule", "slipper"],
  ["Kids", "Little Racer", "kids"],
  ["Women's Running Shoes", "x", "runner"],
  ["Shoes", "Kids' Superfast Running Shoes", "kids"],
  ["Shoes", "Suede hiking boots", "hiker"],
  ["Shoes", "Heeled sandals", "heel"],
  ["Shoes", "Outdoor sandals", "sandal"],
  ["Shoes", "Mountain approach shoes", "hiker"],
  [null, "Leather knee-high boots", "boot"],
  [null, "Men's low sneaker", "court"],
  [null, "", "court"],
  ["", "???", "court"],
  ["BOOTS", "x", "boot"],
  ["Reboots", "Unflattering", "court"],
];

test.each(ROWS)("%p, %p: %s", (category, title, kind) => {
  expect(silhouetteNameOf(category, title)).toBe(kind);
});
