// The books of a shop as tests check them: after everything that kills something, and wherever orders were placed.
import { checkBooks } from "../orders/books/books.ts";
import { openFileLedger } from "../orders/books/ledger.ts";

/** The faults in the books of a file, as lines of text; empty when they are right. Another process may have it open. */
export async function booksOf(databasePath: string): Promise<string[]> {
  const ledger = openFileLedger(databasePath);
  const { broken } = await checkBooks(ledger.ask).finally(ledger.close);
  return broken.flatMap(({ rule, rows }) => rows.map((row) => `${rule.sentence} ${row}`));
}
