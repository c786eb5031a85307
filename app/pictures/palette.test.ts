// Colour words and shades.
import { expect, test } from "bun:test";
import { COLORS } from "../import/demo/words.ts";
import {
  brightness,
  choose,
  colorsIn,
  darker,
  distance,
  fallbackColor,
  hashText,
  lighter,
  mix,
} from "./palette.ts";

test("colour words are found in order, once, in any case, among any words", () => {
  expect(colorsIn("Core BLACK / Cloud White / black")).toEqual([...colorsIn("black"), ...colorsIn("white")]);
  expect(colorsIn("Multicolor, blackened")).toEqual([]);
  expect(colorsIn("hasOwnProperty constructor")).toEqual([]);
});

test("every colour of the demo catalogue has its own hex value", () => {
  const paints = COLORS.flatMap(([color]) => colorsIn(color));
  expect(new Set(paints).size).toBe(COLORS.length);
});

test("shades stay within the range of colours", () => {
  expect(mix("#000000", "#ffffff", 0.5)).toBe("#808080");
  expect(mix("#010203", "#ffffff", 0)).toBe("#010203");
  expect(lighter("#123456", 1)).toBe("#ffffff");
  expect(brightness(darker("#808080", 0.5))).toBeLessThan(brightness("#808080"));
  expect(distance("#000000", "#ffffff")).toBeCloseTo(441.67, 1);
  expect(distance("#3a6fb7", "#3a6fb7")).toBe(0);
});

test("a hash chooses evenly enough, and always the same entry", () => {
  const list = ["a", "b", "c", "d", "e"] as const;
  const counts = new Map<string, number>();
  for (let id = 0; id < 5_000; id++) {
    const chosen = choose(list, hashText(`shoe-${id}`), 7);
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }
  for (const letter of list) expect(Math.abs((counts.get(letter) ?? 0) - 1_000)).toBeLessThan(150);
  expect(hashText("demo-000001")).toBe(hashText("demo-000001"));
  expect(fallbackColor(1)).toMatch(/^#[0-9a-f]{6}$/);
});
