// The statements of the outbox pass the primary's door, and find their rows by an index.
import { expect, test } from "bun:test";
import { verdictOf } from "../../replicas/primary/door/writes/statements.ts";
import { openTestMail } from "../testing/mail.ts";
import { claimStatement, settleStatement, startStatements } from "./outbox.ts";

const MAIL = { seq: 1, tries: 1 };
const STATEMENTS = [
  claimStatement(1, 1),
  settleStatement(MAIL, { state: "sent", atMs: 1, refused: null }),
  settleStatement(MAIL, { state: "withdrawn", atMs: 1, reason: "" }),
  settleStatement(MAIL, { state: "failed", retryAtMs: 1, reason: "" }),
  ...startStatements(1),
].map(({ sql }) => sql);

test("all statements pass the door", () => {
  for (const sql of STATEMENTS) expect(verdictOf(sql, false)).toMatchObject({ refusal: null });
});

test("a claim and a look read only the mails that are due", async () => {
  const { db, close } = openTestMail();
  const look = "SELECT 1 FROM outbox WHERE state = 'due' AND due_at <= 1 LIMIT 1";
  for (const sql of [claimStatement(1, 1).sql, look]) {
    const plan = db.read
      .all<[number, number, number, string]>(`EXPLAIN QUERY PLAN ${sql}`)
      .map((row) => row[3]);
    expect(plan.filter((step) => step.includes("SCAN"))).toEqual([]);
    expect(plan.join("\n")).toContain("outbox_due (due_at<?)");
  }
  await close();
});
