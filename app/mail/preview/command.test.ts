// The preview: every kind has a sample, and the command writes each as three files that say the same.
import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { simpleParser } from "mailparser";
import { readConfig } from "../../config.ts";
import { runScript } from "../../testing/script.ts";
import { openFolder } from "../../testing/shop.ts";
import { KINDS } from "../kinds.ts";
import { previewCommand } from "./command.ts";
import { SAMPLES } from "./samples.ts";

const folder = openFolder();
afterAll(folder.remove);

const kinds = Object.keys(SAMPLES);

/** Runs the command in this process; returns its exit code and what it printed. */
async function run(args: string[], settings: Record<string, string> = {}) {
  const printed: string[] = [];
  const note = (line: string) => void printed.push(line);
  const config = () => readConfig({ DATA_DIR: folder.path, ...settings });
  return { code: await previewCommand(args, { config, out: note, err: note }), printed };
}

test("every kind has a sample, and is found by its name", () => {
  expect(kinds.toSorted()).toEqual([...KINDS.keys()].toSorted());
  for (const [name, kind] of KINDS) expect(kind.name).toBe(name);
});

describe("the files", () => {
  test("stand in the data folder unless another folder is named", async () => {
    const { code, printed } = await run([]);
    const path = join(folder.path, "mail-preview");
    expect([code, printed]).toEqual([0, [`${kinds.length} mails as .eml, .html and .txt in ${path}`]]);
    const names = kinds.flatMap((kind) => [`${kind}.eml`, `${kind}.html`, `${kind}.txt`]);
    expect(readdirSync(path).toSorted()).toEqual(names.toSorted());
    const other = join(folder.path, "a", "b");
    expect((await run([other])).code).toBe(0);
    expect(readdirSync(other)).toHaveLength(names.length);
  });

  test.each(kinds)("%s is one mail in three forms, by the settings", async (kind) => {
    const path = join(folder.path, "settings");
    const { code } = await run([path], { SHOP_NAME: "Feet & Co", MAIL_FROM: "shop@feet.example" });
    expect(code).toBe(0);
    const [eml, html, text] = ["eml", "html", "txt"].map((end) =>
      readFileSync(join(path, `${kind}.${end}`), "utf8"),
    );
    const mail = await simpleParser(eml ?? "");
    expect(mail.text?.trim()).toBe(text?.trim() as string);
    expect(mail.html).toBe(html as string);
    expect(mail.from?.text).toBe('"Feet & Co" <shop@feet.example>');
    expect(mail.messageId).toMatch(new RegExp(`^<${kind}\\.\\d+\\.[\\w-]+@feet\\.example>$`));
    expect(text).toStartWith("Feet & Co\n\n");
  });
});

test("-h shows the usage; two folders, an unknown option and a bad setting are refused in a sentence", async () => {
  expect(await run(["-h"])).toEqual({
    code: 0,
    printed: [expect.stringContaining("usage: bun run mail:preview [<folder>]")],
  });
  expect(await run(["a", "b"])).toEqual({
    code: 1,
    printed: ["mail:preview: name one folder (-h shows the usage)"],
  });
  expect(await run(["--all"])).toEqual({
    code: 1,
    printed: [expect.stringContaining("Unknown option '--all'")],
  });
  const { code, printed } = await run([], { LOCALE: "!" });
  expect([code, printed]).toEqual([1, [expect.stringContaining("LOCALE")]]);
});

test("as a program it reads its settings from the environment", async () => {
  const { out, err, code } = await runScript("mail/preview/command.ts", [], { DATA_DIR: folder.path });
  expect([code, err, out]).toEqual([0, "", expect.stringContaining(join(folder.path, "mail-preview"))]);
});
