// Charts as text: the marks of lines, the axes, and the escaping of names.
import { describe, expect, test } from "bun:test";
import type { Line, Point } from "../scenario.ts";
import { chartsOf } from "./charts.ts";
import { powerTicks, roomy, roundTicks, scaleOf, wrapped } from "./parts.ts";

const lineOf = (point: Point, values = [10, 8, 12], unit = "ms"): Line => ({
  what: "w",
  unit,
  values,
  point,
});
const only = (lines: readonly Line[]): string => {
  const [chart, ...more] = chartsOf("peers", lines);
  expect(more).toEqual([]);
  return chart?.svg ?? "";
};
const count = (svg: string, part: string): number => svg.split(part).length - 1;
const texts = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) => text);
const numberIn = (tag: string, name: string): number =>
  Number(new RegExp(` ${name}="([^"]+)"`).exec(tag)?.[1]);

describe("bars", () => {
  const bars = (["Insole", "Express"] as const).flatMap((series, at) =>
    ["off", "on"].map((x) =>
      lineOf({ chart: "Item", series, x }, [(at + 1) * 10, (at + 1) * 8, (at + 1) * 12]),
    ),
  );
  test("there is a bar for each line, under its series, as long as its median, with the value at its end", () => {
    const svg = only(bars);
    const rects = svg.match(/<rect class="bar"[^>]*>/g) ?? [];
    expect(rects).toHaveLength(4);
    const [short = 0, , long = 0] = rects.map((rect) => numberIn(rect, "width"));
    expect(long / short).toBeCloseTo(2, 1);
    expect(texts(svg)).toContain("10 ms (8 to 12)");
    const [insole, express] = ["Insole", "Express"].map((name) => texts(svg).indexOf(name));
    expect(insole).toBeGreaterThan(0);
    expect(texts(svg).slice(insole, express)).toEqual([
      "Insole",
      "off",
      "10 ms (8 to 12)",
      "on",
      "10 ms (8 to 12)",
    ]);
  });
  test("the name of a series of one bar is beside the bar instead of above", () => {
    const svg = only([
      lineOf({ chart: "a", series: "the shop", x: "related" }),
      lineOf({ chart: "a", series: "a ceiling", x: "related" }),
    ]);
    expect(texts(svg)).toEqual(expect.arrayContaining(["the shop", "a ceiling"]));
    expect(texts(svg)).not.toContain("related");
  });
  test("a bar below zero is to the left of it", () => {
    const svg = only([
      lineOf({ chart: "a", series: "s", x: "loss" }, [-5]),
      lineOf({ chart: "a", series: "s", x: "gain" }, [5]),
    ]);
    const [loss = "", gain = ""] = svg.match(/<rect class="bar"[^>]*>/g) ?? [];
    expect(numberIn(loss, "x") + numberIn(loss, "width")).toBeCloseTo(numberIn(gain, "x"), 0);
  });
  test("no text leaves the picture, however long it is", () => {
    const name = "a very long name of a ceiling that somebody thought of ".repeat(3).trim();
    const svg = only([
      lineOf({ chart: name, series: "s", x: name }, [1_234_567, 1_000_000, 2_000_000]),
      lineOf({ chart: name, series: "s", x: "b" }, [1]),
    ]);
    for (const [tag, text = ""] of svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)) {
      if (tag.includes('text-anchor="middle"')) continue;
      expect(numberIn(tag, "x") + text.length * 7).toBeLessThan(760);
    }
    expect(texts(svg).join(" ")).toContain("a very long name of a ceiling");
  });
});

describe("curves", () => {
  const curve = (xs: readonly number[], more: Partial<Point> = {}, value = 10) =>
    xs.map((x) => lineOf({ chart: "Growth", series: "item", x, ...more }, [value, value, value * 1.1]));
  test("there is a curve with a band for each series, and a legend when there are several", () => {
    const svg = only([...curve([1, 2, 4]), ...curve([1, 2, 4], { series: "list" })]);
    expect([count(svg, "<polyline"), count(svg, "<polygon"), count(svg, "<circle")]).toEqual([2, 2, 6 + 2]);
    expect(texts(svg)).toEqual(expect.arrayContaining(["item", "list", "1", "2", "4"]));
  });
  test("a wide range is logarithmic and labelled so, a narrow one is not", () => {
    const places = (svg: string) =>
      [...svg.matchAll(/<circle class="dot" cx="([^"]+)"/g)].map(([, x]) => Number(x));
    const wide = only(curve([1_000, 100_000, 1_000_000], { xUnit: "shoes" }));
    expect(texts(wide)).toEqual(
      expect.arrayContaining(["1,000", "100,000", "1,000,000", "shoes, logarithmic"]),
    );
    const [a = 0, b = 0, c = 0] = places(wide);
    expect((b - a) / (c - b)).toBeCloseTo(2, 1);
    const narrow = only(curve([1, 4, 12], { xUnit: "nodes" }));
    expect(texts(narrow)).toContain("nodes");
    const [d = 0, e = 0, f = 0] = places(narrow);
    expect((e - d) / (f - e)).toBeCloseTo(3 / 8, 1);
  });
  test("the points of a curve are in the order of x", () => {
    const points = /<polyline points="([^"]+)"/.exec(only(curve([4, 1, 2])))?.[1]?.split(" ") ?? [];
    const xs = points.map((point) => Number.parseFloat(point));
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
  });
  test("values begin at zero, unless they are far apart", () => {
    expect(texts(only(curve([1, 2])))).toContain("0");
    const svg = only([...curve([1, 2]), ...curve([1, 2], { series: "p99" }, 5_000)]);
    expect(texts(svg)).not.toContain("0");
    expect(texts(svg).join(" ")).toContain("ms, logarithmic");
  });
  test("no two curves have the same style, however many there are", () => {
    const svg = only(Array.from({ length: 13 }, (_, at) => curve([1, 2], { series: `s${at}` })).flat());
    const styles = (svg.match(/<polyline[^>]*>/g) ?? []).map((tag) => tag.replace(/points="[^"]*"/, ""));
    expect([styles.length, new Set(styles).size]).toEqual([13, 13]);
  });
  test("many points are a line without dots and with few ticks", () => {
    const svg = only(curve(Array.from({ length: 200 }, (_, at) => at * 3)));
    expect(count(svg, "<circle")).toBe(0);
    expect(texts(svg).length).toBeLessThan(20);
  });
});

describe("the choice of lines", () => {
  test("a line without a point, values or numbers is in no chart", () => {
    const point = { chart: "a", series: "s", x: "b" };
    expect(
      chartsOf("s", [{ what: "w", unit: "", values: [1] }, lineOf(point, []), lineOf(point, [Number.NaN])]),
    ).toEqual([]);
  });
  test("another unit is another chart with its own file", () => {
    const point = { chart: "Cost & speed", series: "s", x: "b" };
    const charts = chartsOf("edge", [
      lineOf(point),
      lineOf(point, [1], "/s"),
      lineOf({ ...point, chart: "cost, speed (ms)" }),
    ]);
    expect(charts.map(({ name }) => name)).toEqual([
      "edge-cost-speed-ms",
      "edge-cost-speed-s",
      "edge-cost-speed-ms-2",
    ]);
  });
  test("names are escaped", () => {
    const evil = `<script>"&'</script>`;
    const svg = only([lineOf({ chart: evil, series: evil, x: evil }, [1], evil)]);
    expect(svg).not.toContain("<script");
    expect(svg).toContain("&lt;script&gt;&quot;&amp;");
    expect(svg).toContain("<title id=");
    expect(svg).toContain('role="img"');
  });
});

describe("axes", () => {
  test("round numbers enclose all values", () => {
    expect(roundTicks(0, 97, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(roundTicks(-0.3, 0.35, 4)).toEqual([-0.4, -0.2, 0, 0.2, 0.4]);
    expect(roundTicks(0, 0, 4)[0]).toBe(0);
    expect(powerTicks(0.3, 120)).toEqual([0.1, 1, 10, 100, 1_000]);
    expect(powerTicks(1_000, 1_000_000)).toEqual([1_000, 10_000, 100_000, 1_000_000]);
  });
  test("labels that would touch are left out, except the greatest", () => {
    const scale = scaleOf([0, 1_000_000], [0, 100], false);
    expect(roomy([0, 400_000, 900_000, 1_000_000], scale)).toEqual([0, 1_000_000]);
  });
  test("long texts are wrapped between words, and within a word that is too long", () => {
    expect(wrapped("one two three", 70)).toEqual(["one two", "three"]);
    expect(wrapped("a".repeat(20), 80).every((line) => line.length <= 10)).toBe(true);
  });
});
