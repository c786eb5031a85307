// When a kept catalogue may be used again.
import { expect, test } from "bun:test";
import { shelfName } from "./catalogue.ts";

test("a catalogue is built anew for another size, schema or version", () => {
  const names = [
    shelfName(1_000, ["a", "b"], "1.0.0"),
    shelfName(2_000, ["a", "b"], "1.0.0"),
    shelfName(1_000, ["ab"], "1.0.0"),
    shelfName(1_000, ["a", "b"], "1.0.1"),
  ];
  expect(new Set(names).size).toBe(names.length);
  expect(shelfName(1_000, ["a", "b"], "1.0.0")).toBe(names[0] ?? "");
});
