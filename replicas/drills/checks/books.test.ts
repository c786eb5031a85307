// The check of the books at the end of a drill: what it says of a primary whose books are right, wrong, or not to be had.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHandle } from "../../../db/read/reader.ts";
import { migratedTemplate } from "../../../db/testing/server.ts";
import { openTestDoor } from "../../testing/door.ts";
import { openChecks } from "../drill.ts";
import { checkBooks } from "./books.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-books-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function failuresOf(url: string, token: string): Promise<string[]> {
  const checks = openChecks();
  await checkBooks(checks, { primary: { url }, makeToken: () => token }, 2);
  return checks.result().failures;
}

test("right books are no failure; each line about wrong ones is, and a primary that does not answer", async () => {
  const template = migratedTemplate(folder);
  const right = await openTestDoor({ template });
  expect(await failuresOf(right.url, right.writeToken)).toEqual([]);
  await right.stopServer();
  const [unanswered] = await failuresOf(right.url, right.writeToken);
  expect(unanswered).toStartWith("lines about wrong books: 1, at most 0; check:books: ");
  await right.remove();

  const handle = openHandle(template, 2_048);
  handle.exec("INSERT INTO stock_taken (shoe, size, pairs) VALUES (7, '42', 1)");
  handle.close();
  const wrong = await openTestDoor({ template });
  const [failure] = await failuresOf(wrong.url, wrong.writeToken);
  await wrong.remove();
  expect(failure).toContain('shoe 7, size "42": 1 pairs are taken, lines hold 0');
});
