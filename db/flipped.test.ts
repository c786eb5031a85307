// A flipped text differs from the text for every character that the text can have.
import { expect, test } from "bun:test";
import { flipped } from "./flipped.ts";

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

test("differs in one character, and in bytes, whatever the character is", () => {
  for (const character of BASE64URL) {
    const texts = [`${character}aaaaaa`, `aaaa${character}aa`];
    const [first, middle] = [flipped(texts[0] ?? ""), flipped(texts[1] ?? "", 4)];
    expect([first.slice(1), middle.slice(0, 4), middle.slice(5)]).toEqual(["aaaaaa", "aaaa", "aa"]);
    for (const [at, text] of [first, middle].entries())
      expect(Buffer.from(text, "base64url")).not.toEqual(Buffer.from(texts[at] ?? "", "base64url"));
  }
});
