// The vocabulary of demo shoes: the properties that making shoes relies on.
import { expect, test } from "bun:test";
import { CLOSERS, COLOR_LINES, COLORS, EDITIONS, LINES, MAKERS, MATERIALS, STYLES } from "./words.ts";

const styles = Object.values(STYLES).flat();
const duplicates = (words: readonly string[]) => words.filter((word, index) => words.indexOf(word) !== index);

test("no list has duplicates", () => {
  const lists = [
    MAKERS.map(([maker]) => maker),
    LINES,
    styles.map(([style]) => style),
    COLORS.map(([color]) => color),
    COLORS.flatMap(([, , colorways]) => colorways),
    ...Object.values(EDITIONS),
    ...Object.values(MATERIALS),
    ...Object.values(CLOSERS),
  ];
  for (const list of lists) expect(duplicates(list)).toEqual([]);
});

test("both constructions have ten editions, so that names repeat evenly", () => {
  expect(EDITIONS.sport).toHaveLength(10);
  expect(EDITIONS.classic).toHaveLength(10);
});

test("every sentence is complete and has its placeholders", () => {
  const openers = styles.flatMap(([, category]) => category.openers);
  for (const opener of openers) expect(opener.split("{title}")).toHaveLength(2);
  for (const line of COLOR_LINES) expect(line).toMatch(/\{colorway\}.*\{color\}|\{color\}.*\{colorway\}/);
  const sentences = [
    ...openers,
    ...COLOR_LINES,
    ...Object.values(MATERIALS).flat(),
    ...Object.values(CLOSERS).flat(),
  ];
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z{][^.]+\.$/);
});

test("every maker has styles, and prices leave room for a sale", () => {
  for (const [maker, makerStyles] of MAKERS) {
    expect(maker.length).toBeGreaterThan(3);
    expect(makerStyles.length).toBeGreaterThan(0);
  }
  for (const [, category] of styles) {
    expect(category.priceMin).toBeGreaterThanOrEqual(25);
    expect(category.priceMax).toBeGreaterThan(category.priceMin);
  }
});
