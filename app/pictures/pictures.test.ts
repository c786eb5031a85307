// The drawn picture of a shoe: well-formed and harmless for any text, and different from other shoes' pictures.
import { describe, expect, test } from "bun:test";
import { demoShoes } from "../import/demo/demo.ts";
import { type DrawnShoe, drawShoe } from "./pictures.ts";

const BYTES_MAX = 6_144;
// 300 characters, each of which may be escaped to five.
const TITLE_BYTES_MAX = 1_500;
const PLAIN: DrawnShoe = {
  shoeId: "demo-000001",
  title: "Brindlow Fell Trail 3",
  category: "Running",
  color: "Navy",
  brand: "Brindlow",
};
const shoe = (changes: Partial<DrawnShoe>): DrawnShoe => ({ ...PLAIN, ...changes });
const withoutTitle = (svg: string) => svg.replace(/<title>.*<\/title>/s, "");

/** Why a text is not well-formed XML, `null` if it is; reads the subset that pictures use. */
function xmlFault(xml: string): string | null {
  const open: string[] = [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(xml)) return "a forbidden character";
  if (!xml.isWellFormed()) return "half a surrogate pair";
  const rest = xml.replace(
    /<(\/?)([a-zA-Z]+)((?: [a-zA-Z][\w:-]*="[^"<]*")*)(\/?)>/g,
    (_, close, name, attributes, empty) => {
      const names = [...attributes.matchAll(/ ([\w:-]+)="/g)].map(([, attribute]) => attribute);
      if (new Set(names).size < names.length) open.push(`an attribute twice in ${name}`);
      if (close) return open.pop() === name ? "" : "<";
      if (!empty) open.push(name);
      return "";
    },
  );
  if (/[<>]/.test(rest)) return `loose markup in: ${rest.slice(0, 200)}`;
  if (/&(?!#\d+;)/.test(xml)) return "a loose ampersand";
  return open.length === 0 ? null : `left open: ${open}`;
}

test("the XML check of these tests finds faults", () => {
  for (const bad of [
    "<a>",
    "<a></b>",
    '<a b="1" b="2"/>',
    "<a>&</a>",
    "<a><</a>",
    "<a b=1/>",
    "<a>\u0001</a>",
  ])
    expect(xmlFault(bad)).not.toBeNull();
  expect(xmlFault('<a b="1"><c/>x &#38; y</a>')).toBeNull();
});

const HOSTILE: [name: string, text: string][] = [
  ["a script", "<script>alert(1)</script>"],
  ["a tag that closes the title", '"><svg onload=alert(1)>'],
  ["attributes in quotes", "' onclick='x' href='javascript:alert(1)'"],
  ["an early end and an image", "]]></title><image xlink:href=//evil.example/x>"],
  ["entities", "A & B &amp; &lt; &nbsp; &#0;"],
  ["control characters", "nul\u0000 bell\u0007 escape\u001b delete\u007f next\u0085 line\u2028"],
  ["broken Unicode", "half \ud83d of a pair \udc5f, \ufffe \uffff"],
  ["emoji and direction marks", "\ud83d\udc5f emoji, \u202eright to left, \u0301"],
  ["a pair cut by the length", "x".repeat(299).concat("\ud83d\udc5f and on")],
  ["a thousand brackets", "<".repeat(5_000)],
  ["nothing", ""],
  ["spaces", "   "],
];

describe("the text of a shoe", () => {
  test.each(HOSTILE)("%s is drawn as text", (_name, text) => {
    for (const hostile of [
      shoe({ title: text }),
      shoe({ title: text, category: text, color: text, brand: text, shoeId: text }),
      shoe({ title: text, category: null, color: null, brand: null }),
    ]) {
      const svg = drawShoe(hostile);
      expect(xmlFault(svg)).toBeNull();
      expect(svg).not.toMatch(
        /<script|<image|<foreignObject|href=|\bon\w+=|<style|@import|javascript:[^<]*"/i,
      );
      expect(withoutTitle(svg)).not.toMatch(/https?:(?!\/\/www\.w3\.org\/2000\/svg")|url\((?!#)|alert/);
      expect(svg).toEndWith("</g></svg>");
      expect(svg.length).toBeLessThan(BYTES_MAX + TITLE_BYTES_MAX);
    }
  });

  test("names of inherited object members are not colours", () => {
    expect(drawShoe(shoe({ color: "constructor toString __proto__" }))).not.toContain("function");
  });

  test("the title is there for screen readers", () => {
    expect(drawShoe(shoe({ title: 'Fell & "Tarn" <2>' }))).toContain(
      "<title>Fell &#38; &#34;Tarn&#34; &#60;2&#62;</title>",
    );
  });
});

test("the demo's pictures are well-formed, small and nearly all different", () => {
  const pictures = [...demoShoes(1_000)].map(drawShoe);
  for (const svg of pictures) {
    expect(xmlFault(svg)).toBeNull();
    expect(svg.length).toBeLessThan(BYTES_MAX);
    expect(svg).not.toMatch(/NaN|undefined|null|Infinity/);
  }
  expect(new Set(pictures.map(withoutTitle)).size).toBeGreaterThan(900);
});

test("drawing a shoe twice gives the same picture", () => {
  expect(drawShoe(PLAIN)).toBe(drawShoe({ ...PLAIN }));
});

test("the id, the colour, the brand and the category each change the picture", () => {
  const plain = withoutTitle(drawShoe(PLAIN));
  for (const changes of [
    { shoeId: "demo-000002" },
    { color: "Red" },
    { brand: "Larkspan" },
    { category: "Boots" },
  ])
    expect(withoutTitle(drawShoe(shoe(changes)))).not.toBe(plain);
});

test("shoes of one brand have the same backdrop and mark", () => {
  const house = (svg: string) =>
    [/id="b">.*?<\/radialGradient>/, /<path d="[^"]+" transform/].map((part) => svg.match(part)?.[0]);
  const one = house(drawShoe(PLAIN));
  expect(one).not.toContain(undefined);
  expect(house(drawShoe(shoe({ shoeId: "demo-000009", color: "Red" })))).toEqual(one);
  expect(house(drawShoe(shoe({ brand: "Ambrelle" })))).not.toEqual(one);
});
