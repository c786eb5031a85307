// The mails in a real browser: they fit a phone, are readable on light and dark screens, load nothing and run no script.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { readConfig } from "../config.ts";
import { HOSTILE, hostileMail } from "../testing/hostile-mails.ts";
import { formsOf } from "./forms.ts";
import type { Mail } from "./kind.ts";
import { KINDS, type KindName } from "./kinds.ts";
import { previewContext, writeMail } from "./preview/command.ts";
import { sampleMail } from "./preview/samples.ts";

const BROWSER_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const found = BROWSER_PATHS.find((path) => existsSync(path));
const FLAGS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
setDefaultTimeout(60_000);
const WIDTHS = [320, 360, 800];
const SCHEMES = ["light", "dark"] as const;
const context = previewContext(readConfig({ SHOP_NAME: "Insole" }));
const kinds = [...KINDS.keys()] as KindName[];

/** The least contrast of small text (WCAG 2.1, 1.4.3). */
const CONTRAST_MIN = 4.5;
/** Runs in the page: the least contrast of a text to what is behind it. */
const CONTRAST = `(() => {
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return color === "rgba(0, 0, 0, 0)" && element.parentElement ? behind(element.parentElement) : color;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const ratios = [];
  while (walker.nextNode()) {
    if (walker.currentNode.data.trim() === "") continue;
    const element = walker.currentNode.parentElement;
    const [a, b] = [getComputedStyle(element).color, behind(element)].map(light).toSorted((x, y) => y - x);
    ratios.push((a + 0.05) / (b + 0.05));
  }
  return Math.min(...ratios);
})()`;

if (found === undefined && process.env.CI === "true")
  test("a browser is installed", () => {
    expect(BROWSER_PATHS.filter((path) => existsSync(path))).not.toBeEmpty();
  });

describe.skipIf(found === undefined)("in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: found as string, args: FLAGS.split(" ") });
  });
  afterAll(async () => {
    await browser?.close();
  });

  /** Opens the HTML of a mail; `elsewhere` collects what it asks for. */
  async function open(mail: Mail) {
    const { subject, blocks } = await writeMail(mail, context);
    const page = await browser.newPage();
    const elsewhere: string[] = [];
    await page.route("**", (route) => {
      elsewhere.push(route.request().url());
      return route.abort();
    });
    await page.setContent(formsOf(subject, blocks, context).html, { waitUntil: "load" });
    return { page, elsewhere };
  }

  describe.each(kinds)("%s", (kind) => {
    test.each([
      ["its sample", () => sampleMail(kind)],
      ["hostile texts", () => hostileMail(kind, HOSTILE)],
    ])("with %s it fits every width, is readable, loads nothing and runs no script", async (_, mailOf) => {
      const { page, elsewhere } = await open(mailOf());
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 700 });
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
      }
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme });
        expect(await page.evaluate(CONTRAST)).toBeGreaterThanOrEqual(CONTRAST_MIN);
      }
      expect(await page.evaluate("window.ran")).toBeUndefined();
      expect(elsewhere).toEqual([]);
      await page.close();
    });
  });

  test("a hostile text is shown as text", async () => {
    const { page } = await open(hostileMail("receipt", HOSTILE));
    const [shown] = await page.locator("body").allInnerTexts();
    for (const part of ["<Driver>", '<img src=x onerror="window.ran=1">', "</td></table></title></style>"])
      expect(shown).toContain(part);
    await page.close();
  });

  test("a dark screen gets dark colours", async () => {
    const { page } = await open(sampleMail("receipt"));
    const background = "getComputedStyle(document.body).backgroundColor";
    expect(await page.evaluate(background)).toBe("rgb(246, 244, 240)");
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await page.evaluate(background)).toBe("rgb(23, 22, 20)");
    await page.close();
  });
});
