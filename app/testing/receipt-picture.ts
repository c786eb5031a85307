// The picture of the README's receipt: `bun app/testing/receipt-picture.ts` makes it again from the sample.
import { join } from "node:path";
import { chromium } from "playwright-core";
import { readConfig } from "../config.ts";
import { formsOf } from "../mail/forms.ts";
import { previewContext, writeMail } from "../mail/preview/command.ts";
import { sampleMail } from "../mail/preview/samples.ts";

const PICTURE = join(import.meta.dir, "../mail/receipt.png");
const BROWSER = process.env.BROWSER_PATH ?? "/usr/bin/chromium";
/** A screen needs few colours; so many make the file a third as large. */
const COLORS = 64;
/** A little wider than the mail is at most. */
const WIDTH = 600;

const context = previewContext(readConfig({}));
const { subject, blocks } = await writeMail(sampleMail("receipt"), context);
const browser = await chromium.launch({
  executablePath: BROWSER,
  args: ["--no-sandbox", "--disable-gpu", "--disable-lcd-text"],
});
const page = await browser.newPage({ viewport: { width: WIDTH, height: 100 } });
await page.setContent(formsOf(subject, blocks, context).html);
const screenshot = await page.screenshot({ fullPage: true });
await browser.close();
await Bun.write(PICTURE, await new Bun.Image(screenshot).png({ palette: true, colors: COLORS }).bytes());
process.stdout.write(`${PICTURE}\n`);
