// The harness's sums and words: medians, verdicts, pinning, files, tables.
import { describe, expect, test } from "bun:test";
import Papa from "papaparse";
import { demoShoes } from "../../app/import/demo/demo.ts";
import { shelfName } from "../load/catalogue.ts";
import { CSV_HEAD, csvRow } from "../load/csv.ts";
import { demoId, distinctWidePaths, relatedPath, WIDE, widePath, zipfPaths } from "../load/urls.ts";
import {
  memoryOf,
  parseCores,
  parseCpuUs,
  parseMemory,
  parseProcess,
  parseShareMib,
  shareMib,
} from "../metrics/proc.ts";
import { expectAllAdded } from "../scenarios/import.ts";
import { type Line, missingNumber, shareCores, verdictOf } from "./scenario.ts";
import { median, quantile, spread, turns, written } from "./stats.ts";

describe("sums", () => {
  test("medians", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([10, 9, 1, 2])).toBe(5.5);
    expect(() => median([])).toThrow("median of nothing");
  });
  test("quantiles", () => {
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect([0, 0.5, 0.99, 1].map((share) => quantile(hundred, share))).toEqual([1, 50, 99, 100]);
    expect(quantile([7], 0.99)).toBe(7);
    expect(() => quantile([], 0.5)).toThrow("quantile of nothing");
  });
  test("numbers as people read them", () => {
    expect([12_345.6, 117.64, 1.17647, 0.01234, Number.NaN].map(written)).toEqual([
      "12,346",
      "118",
      "1.18",
      "0.0123",
      "?",
    ]);
    expect(spread([5, 1, 3], "ms")).toBe("3 ms (1 to 5)");
    expect(spread([5], "")).toBe("5");
  });
  test("the order is reversed each round", () => {
    expect([0, 1, 2].map((round) => turns(["a", "b"], round).join(""))).toEqual(["ab", "ba", "ab"]);
  });
});

describe("verdicts", () => {
  const line = (values: number[], target?: Line["target"]): Line => ({
    what: "",
    unit: "",
    values,
    ...(target ? { target } : {}),
  });
  test.each<[Line, string]>([
    [line([1, 1.1, 9], { atMost: 1.1 }), "met"],
    [line([1, 1.2, 1.3], { atMost: 1.1 }), "missed"],
    [line([12_000], { atLeast: 12_000 }), "met"],
    [line([11_999], { atLeast: 12_000 }), "missed"],
    [line([1]), ""],
  ])("%j is %p", (given, verdict) => {
    expect(verdictOf(given)).toBe(verdict as ReturnType<typeof verdictOf>);
  });
  test("a line without numbers is seen", () => {
    expect(missingNumber([line([1])])).toBeNull();
    expect(missingNumber([{ what: " a", unit: "", values: [1, Number.NaN] }])).toBe('no number for "a"');
    expect(missingNumber([{ what: "b", unit: "", values: [] }])).toBe('no number for "b"');
  });
});

describe("/proc", () => {
  test("CPU time, also of a program with brackets and spaces in its name", () => {
    const fields = ["S", ...Array.from({ length: 10 }, () => "7"), "120", "30", "9"];
    expect(parseCpuUs(`42 (a) b (c) ${fields.join(" ")}`)).toBe(1_500_000);
    expect(() => parseCpuUs("42 (a) S")).toThrow("no CPU time");
  });
  test("memory", () => {
    expect(parseMemory("VmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n")).toEqual({ nowMib: 1, peakMib: 2 });
    expect(() => parseMemory("VmRSS:\t  1024 kB\n")).toThrow("VmHWM");
  });
  test("a process, its parent and its name", () => {
    expect(parseProcess("42 (a) b (c) S 7 42 42")).toEqual({ pid: 42, parent: 7, name: "a) b (c" });
  });
  test("a process's part of shared memory", () => {
    expect(parseShareMib("Rss:  4096 kB\nPss:   1024 kB\nPss_Dirty:  512 kB\n")).toBe(1);
    expect(() => parseShareMib("Rss: 4096 kB\n")).toThrow("no Pss");
    expect(shareMib(process.pid)).toBeLessThanOrEqual(memoryOf(process.pid).peakMib);
  });
  test("cores", () => {
    expect(parseCores("0-2,5")).toEqual([0, 1, 2, 5]);
    expect(shareCores([0, 1])).toEqual({ server: [0], load: [1], wide: null });
    expect(shareCores([2, 3, 4])).toEqual({ server: [2], load: [4], wide: [2, 3] });
    expect(shareCores([0])).toEqual({ server: null, load: null, wide: null });
  });
});

describe("what is asked for", () => {
  test("ids are those of the demo", () => {
    const [first, second] = demoShoes(2);
    expect([demoId(1), demoId(2)]).toEqual([first?.shoeId ?? "", second?.shoeId ?? ""]);
    expect(demoId(1_000_000)).toBe("demo-1000000");
  });
  test("about twenty wide questions with hostile ones, and many distinct ones", () => {
    expect(Object.keys(WIDE).length).toBeGreaterThanOrEqual(20);
    expect(Object.keys(WIDE).filter((name) => name.startsWith("hostile")).length).toBeGreaterThanOrEqual(4);
    expect(widePath("")).toBe("/api/shoes");
    const paths = distinctWidePaths();
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths.length).toBeGreaterThan(1_000);
  });
  test("few shoes are asked for often and many seldom, each at least once, which ones is chance", () => {
    const counts = new Map<string, number>();
    for (const path of zipfPaths(1_000, 1)) counts.set(path, (counts.get(path) ?? 0) + 1);
    const sorted = [...counts.values()].sort((a, b) => b - a);
    expect(sorted.slice(0, 4)).toEqual([1_000, 500, 333, 250]);
    expect([sorted.length, sorted.at(-1)]).toEqual([1_000, 1]);
    expect(counts.get(relatedPath(1))).toBeLessThan(500);
    expect(zipfPaths(10, 1)).toEqual(zipfPaths(10, 1));
    expect(zipfPaths(10, 1)).not.toEqual(zipfPaths(10, 2));
  });
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
  test("a row of the CSV file reads back as its shoe", () => {
    const [shoe] = demoShoes(1);
    if (!shoe) throw new Error("no shoe");
    const title = 'A "quoted", long\nname';
    const { data } = Papa.parse<Record<string, string>>(
      `${CSV_HEAD}\n${csvRow({ ...shoe, title, priceCents: 12_950 })}\n`,
      {
        header: true,
        skipEmptyLines: true,
      },
    );
    const [row = {}] = data;
    expect(data).toHaveLength(1);
    expect([row.id, row.title, row.price, row.brand]).toEqual([
      shoe.shoeId,
      title,
      "$129.50",
      shoe.brand ?? "",
    ]);
    expect(row.sizes?.split("|")).toEqual(shoe.sizes.map(({ size }) => size));
    expect(row.stock?.split("|").map(Number)).toEqual(shoe.sizes.map(({ stock }) => stock));
  });
  test("an import that left out a row is invalid", () => {
    const summary = (read: number, added: number) =>
      `Read ${read} = ${added} added + 0 replaced + 0 unchanged`;
    expect(() => expectAllAdded(summary(100, 100), 100)).not.toThrow();
    expect(() => expectAllAdded(summary(100, 99), 100)).toThrow("did not add 100 shoes");
    expect(() => expectAllAdded(summary(99, 99), 100)).toThrow("did not add 100 shoes");
    expect(() => expectAllAdded("", 100)).toThrow("did not add 100 shoes");
  });
});
