// Draws a picture for a shoe that has none: an SVG derived from its attributes, always the same for the same shoe.
import { boot, flat, heel, loafer, sandal, slipper } from "./dressy.ts";
import { type SilhouetteName, silhouetteNameOf } from "./kinds.ts";
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
import type { Layer, Paint, Silhouette } from "./silhouette.ts";
import { court, hiker, kids, runner, skate } from "./sporty.ts";

/** The attributes that a picture is drawn from; any text may be odd, empty or hostile. */
export type DrawnShoe = {
  shoeId: string;
  title: string;
  category: string | null;
  color: string | null;
  brand: string | null;
};

// Imported titles can have any length; a screen reader should not read more than this.
const TITLE_MAX = 300;
// Two adjacent colours with a smaller distance look the same.
const CONTRAST_MIN = 70;
// The fixed point of stretching a silhouette: the middle of the paths, on their ground.
const CENTER_X = 330;
const GROUND_Y = 408;

const SILHOUETTES: Record<SilhouetteName, Silhouette> = {
  runner,
  court,
  kids,
  skate,
  hiker,
  boot,
  sandal,
  heel,
  loafer,
  slipper,
  flat,
};

const ACCENTS = [
  "#f3f2ee",
  "#2b2c31",
  "#d9523f",
  "#2f6f8f",
  "#e5a93c",
  "#4f8a68",
  "#8a5fa8",
  "#e58aa0",
  "#9aa5b1",
  "#35a7a6",
  "#c9b18a",
  "#33466f",
] as const;
const BACKDROPS = ["#dfe6ea", "#ebe3d8", "#e2e8dd", "#ece0e0", "#e3e1ec", "#e9e6dc", "#dce7e8"] as const;
const FOAMS = ["#fbfaf6", "#f4efe2", "#fbfaf6", "#e9e9ea", "#33343a"] as const;
const RUBBERS = ["#2f2d30", "#b9824c", "#2f2d30", "#5b4a40", "#d8d5cd"] as const;
const MARKS = [
  "M-34 18L-8 -22 8 -22 -18 18ZM2 18L28 -22 44 -22 18 18Z",
  "M0 -26A26 26 0 1 0 .1 -26ZM0 -12A12 12 0 1 1 -.1 -12Z",
  "M-40 8C-24 -22 -8 -22 4 -4 14 10 26 8 40 -12 32 24 10 28 -4 10 -16 -6 -28 -6 -40 8Z",
  "M0 -28L30 0 0 28 -30 0ZM0 -12L-13 0 0 12 13 0Z",
  "M-36 22L0 -26 36 22 18 22 0 -2 -18 22Z",
  "M-40 -18H26L36 -4H-34ZM-36 4H40L32 18H-30Z",
  "M-26 24C-36 -14 -4 -32 34 -26 34 12 10 30 -26 24ZM-12 14C-4 -2 8 -10 22 -16 14 2 4 10 -12 14Z",
  "M-8 -28H8V-8H28V8H8V28H-8V8H-28V-8H-8Z",
] as const;
const NONE = "";
const TEXTURES = [
  NONE,
  '<path d="M2 2h2M7 7h2" stroke="#fff" stroke-opacity=".3" stroke-width="2"/>',
  '<path d="M0 10L10 0" stroke="#000" stroke-opacity=".1" stroke-width="2"/>',
  '<path d="M0 2h10M0 7h10M2 0v10M7 0v10" stroke="#fff" stroke-opacity=".13"/>',
  '<circle cx="5" cy="5" r="1.3" opacity=".22"/>',
] as const;
// Shapes across the side of a sporty shoe, clipped at its outline.
const SWEEPS = [
  NONE,
  "M60 336C180 330 300 306 410 236L470 262C340 330 200 358 60 366Z",
  "M40 296C160 286 280 340 640 322L640 420 40 420Z",
  "M60 150C200 190 256 290 236 420L60 420Z",
  "M214 420C236 330 250 290 240 190L330 240C352 300 352 350 340 420Z",
  NONE,
] as const;
const SPORTY: ReadonlySet<SilhouetteName> = new Set<SilhouetteName>([
  "runner",
  "court",
  "kids",
  "skate",
  "hiker",
]);

type Appearance = {
  main: string;
  accent: string;
  second: string;
  foam: string;
  rubber: string;
  lace: string;
  lining: string;
  backdrop: string;
  mark: string;
  texture: string;
  sweep: string;
};

/** Draws one shoe: a self-contained SVG of 640 x 480 with the shoe's title, no scripts, links or fonts. */
export function drawShoe(shoe: DrawnShoe): string {
  const silhouetteName = silhouetteNameOf(shoe.category, shoe.title);
  const { back, upper, panels, front, stretch, lift, mark } = SILHOUETTES[silhouetteName];
  const appearance = appearanceOf(shoe, silhouetteName);
  const paint = ([name, path]: Layer) => PAINTS[name](path, appearance);
  const shift = [CENTER_X * (1 - stretch[0]), GROUND_Y * (1 - stretch[1]) - lift].map(round);
  const markPath = mark
    ? `<path d="${appearance.mark}" transform="translate(${mark[0]} ${mark[1]})scale(${mark[2]})" ` +
      `fill="${appearance.second}" fill-rule="evenodd"/>`
    : "";
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 480" role="img">',
    `<title>${escapeText(shoe.title)}</title>`,
    defs(appearance, upper),
    '<rect width="640" height="480" fill="url(#b)"/>',
    `<g transform="translate(${shift})scale(${stretch})" ` +
      `stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">`,
    '<ellipse cx="334" cy="408" rx="262" ry="21" fill="url(#f)"/>',
    ...back.map(paint),
    `<path d="${upper}" fill="url(#u)"/>`,
    '<g clip-path="url(#c)">',
    appearance.texture === NONE ? "" : '<rect width="640" height="480" fill="url(#t)"/>',
    appearance.sweep === NONE ? "" : PAINTS.sweep(appearance.sweep, appearance),
    ...panels.map(paint),
    markPath,
    '<rect width="640" height="480" fill="url(#s)"/>',
    '<ellipse cx="440" cy="270" rx="150" ry="70" fill="url(#g)"/>',
    "</g>",
    `<path d="${upper}" fill="none" stroke="${darker(appearance.main, 0.45)}" stroke-opacity=".7"/>`,
    ...front.map(paint),
    "</g></svg>",
  ].join("");
}

function appearanceOf(shoe: DrawnShoe, silhouetteName: SilhouetteName): Appearance {
  const idHash = hashText(shoe.shoeId);
  const brandHash = hashText((shoe.brand ?? shoe.shoeId).toLowerCase());
  const named = colorsIn(shoe.color ?? "");
  const words = named.length > 0 ? named : colorsIn(shoe.title);
  const main = shade(words[0] ?? fallbackColor(idHash), idHash);
  const brandAccents = [
    choose(ACCENTS, brandHash, 2),
    choose(ACCENTS, brandHash, 3),
    "#f3f2ee",
    "#2b2c31",
  ] as const;
  const contrasting = brandAccents.filter((accent) => distance(accent, main) >= CONTRAST_MIN);
  const sporty = SPORTY.has(silhouetteName);
  const [bold = "#f3f2ee", other = bold] = idHash % 2 === 0 ? contrasting : [...contrasting].reverse();
  const tonal = brightness(main) > 110 ? darker(main, 0.28) : lighter(main, 0.2);
  // Dress shoes have one tone; sporty shoes take a named second colour, else one of the brand's, else a tone.
  const accent = sporty ? (words[1] ?? choose([bold, tonal, bold], idHash, 4)) : (words[1] ?? tonal);
  const second = distance(other, accent) >= CONTRAST_MIN ? other : bold;
  return {
    main,
    accent,
    second: distance(second, main) >= CONTRAST_MIN ? second : tonal,
    foam:
      sporty || silhouetteName === "slipper"
        ? choose(FOAMS, brandHash, 5)
        : darker(mix(main, "#7a5a3e", 0.6), 0.1),
    rubber: choose(RUBBERS, sporty ? idHash : brandHash, 6),
    lace: brightness(accent) > 150 || idHash % 3 === 0 ? "#f7f5ef" : darker(accent, 0.25),
    lining: choose(["#d9c7ab", "#c9ced3", "#b58f6a", "#e6ddd0"], brandHash, 7),
    backdrop: choose(BACKDROPS, brandHash, 8),
    mark: choose(MARKS, brandHash, 9),
    texture: sporty ? choose(TEXTURES, idHash, 10) : NONE,
    sweep: sporty ? choose(SWEEPS, idHash, 11) : NONE,
  };
}

/** Varies a colour slightly by the shoe's id, so that shoes of one colour word differ. */
function shade(color: string, idHash: number): string {
  const share = ((idHash >>> 8) % 13) / 100;
  return idHash % 2 === 0 ? lighter(color, share) : darker(color, share);
}

function defs(appearance: Appearance, upper: string): string {
  const vertical = (id: string, stops: string) =>
    `<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="300" y1="90" x2="330" y2="400">` +
    `${stops}</linearGradient>`;
  const radial = (id: string, stops: string) => `<radialGradient id="${id}">${stops}</radialGradient>`;
  const stop = (offset: number, color: string, opacity = 1) =>
    `<stop offset="${offset}" stop-color="${color}"${opacity === 1 ? "" : ` stop-opacity="${opacity}"`}/>`;
  const pattern =
    appearance.texture === NONE
      ? ""
      : `<pattern id="t" width="10" height="10" patternUnits="userSpaceOnUse">${appearance.texture}</pattern>`;
  return [
    "<defs>",
    vertical(
      "u",
      stop(0, lighter(appearance.main, 0.22)) +
        stop(0.55, appearance.main) +
        stop(1, darker(appearance.main, 0.22)),
    ),
    vertical(
      "s",
      stop(0, "#fff", 0.16) + stop(0.5, "#fff", 0) + stop(0.72, "#000", 0) + stop(1, "#000", 0.38),
    ),
    vertical("m", stop(0.78, lighter(appearance.foam, 0.3)) + stop(1, darker(appearance.foam, 0.2))),
    vertical("p", stop(0.3, "#fffdf8") + stop(1, "#d8cbb8")),
    radial("g", stop(0, "#fff", 0.3) + stop(1, "#fff", 0)),
    radial("f", stop(0, "#000", 0.42) + stop(0.7, "#000", 0.16) + stop(1, "#000", 0)),
    radial("b", stop(0, lighter(appearance.backdrop, 0.75)) + stop(1, appearance.backdrop)),
    pattern,
    `<clipPath id="c"><path d="${upper}"/></clipPath>`,
    "</defs>",
  ].join("");
}

const round = (value: number): number => Math.round(value * 10) / 10;
const filled = (fill: string) => (path: string) => `<path d="${path}" fill="${fill}"/>`;
const edged = (path: string, fill: string) =>
  `<path d="${path}" fill="${fill}" stroke="${darker(fill, 0.32)}"/>`;
const line = (path: string, color: string, width: number, more = "") =>
  `<path d="${path}" fill="none" stroke="${color}" stroke-width="${width}"${more}/>`;

const PAINTS: Record<Paint, (path: string, appearance: Appearance) => string> = {
  lining: (path, { main }) => edged(path, darker(main, 0.55)),
  lining2: (path, { lining }) => edged(path, darker(lining, 0.22)),
  tongue: (path, { main }) => edged(path, darker(main, 0.14)),
  panel: (path, { accent }) => edged(path, accent),
  panel2: (path, { second, accent, main }) =>
    edged(path, mix(accent, second === accent ? main : second, 0.5)),
  sweep: (path, { main, accent }) => filled(mix(main, accent, 0.55))(path),
  tone: (path, { main }) => edged(path, brightness(main) > 60 ? darker(main, 0.12) : lighter(main, 0.08)),
  midsole: (path, { foam }) => `<path d="${path}" fill="url(#m)" stroke="${darker(foam, 0.3)}"/>`,
  outsole: (path, { rubber }) => filled(rubber)(path),
  footbed: (path, { lining }) => edged(path, lining),
  plush: (path) => `<path d="${path}" fill="url(#p)" stroke="#c9bca8"/>`,
  seam: (path, { main }) => line(path, darker(main, 0.5), 1.8, ' stroke-opacity=".55"'),
  stitch: (path, { main }) =>
    line(
      path,
      brightness(main) > 130 ? darker(main, 0.4) : lighter(main, 0.45),
      1.6,
      ' stroke-dasharray="5 4"',
    ),
  lace: (path, { lace }) => line(path, "#000", 10, ' stroke-opacity=".28"') + line(path, lace, 7),
  eyelet: (path) => line(path, "#000", 5, ' stroke-opacity=".45"'),
  elastic: (path, { main }) => edged(path, brightness(main) > 90 ? darker(main, 0.6) : darker(main, 0.35)),
  groove: (path, { foam }) => line(path, darker(foam, 0.45), 2, ' stroke-opacity=".4"'),
  metal: (path) => line(path, "#6d665a", 9) + line(path, "#d9cfb6", 5),
  shade: (path) => `<path d="${path}" fill-opacity=".14"/>`,
  shine: (path) => line(path, "#fff", 4, ' stroke-opacity=".4"'),
};

// XML 1.0 forbids most control characters; `=` is escaped too, so that no text resembles an attribute.
function escapeText(text: string): string {
  return (
    text
      .slice(0, TITLE_MAX)
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g, "")
      .replace(/[&<>"'=]/g, (mark) => `&#${mark.charCodeAt(0)};`)
  );
}
