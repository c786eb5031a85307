// The name of a kept catalogue.
import { expect, test } from "bun:test";
import { catalogueName } from "./catalogue.ts";

test("another size, schema or version is another catalogue", () => {
  const names = [
    catalogueName(1_000, ["a", "b"], "1.0.0"),
    catalogueName(2_000, ["a", "b"], "1.0.0"),
    catalogueName(1_000, ["ab"], "1.0.0"),
    catalogueName(1_000, ["a", "b"], "1.0.1"),
  ];
  expect(new Set(names).size).toBe(names.length);
  expect(catalogueName(1_000, ["a", "b"], "1.0.0")).toBe(names[0] ?? "");
});
