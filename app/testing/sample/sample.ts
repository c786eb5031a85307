// The sample room: notes on shoes. It shows what a new room is made of; its table exists only in its test.
import type { Database, Readable } from "../../../db/database.ts";
import { must } from "../../../db/must.ts";
import { timeSql } from "../../../db/sql.ts";
import { commitWrite, orProblem, type Write } from "../../http/write.ts";
import type { AnswerSql, StoredAnswer } from "../../http/write-answer.ts";

/** A note to be added. */
export type NoteDraft = { noteId: string; shoeId: string; text: string };

const NOTE = `json_object('id', n.note_id, 'shoeId', n.shoe_id, 'text', n.text, 'createdAt', ${timeSql("n.created_at")})`;

/** Adds a note to a shoe. Throws the `Problem` 409 when its id is taken. */
export async function addNote(db: Database, write: Write, note: NoteDraft): Promise<StoredAnswer> {
  const { noteId, shoeId, text } = note;
  const committed = commitWrite(db, write, {
    statements: [
      {
        sql: "INSERT INTO notes (note_id, shoe_id, text, created_at) VALUES (?, ?, ?, ?)",
        args: [noteId, shoeId, text, write.nowMs],
      },
    ],
    audit: { action: "note.add", subject: noteId },
    answer: noteAnswer(noteId, `${write.path}/${noteId}`),
  });
  const { answer } = await orProblem(committed, noteId);
  return must(answer, "the note that was just added");
}

/** A note as a finished JSON object; `null` when it does not exist. */
export const findNote = (db: Readable, noteId: string): string | null =>
  db.read.get<[string]>(`SELECT ${NOTE} FROM notes AS n WHERE n.note_id = ?`, noteId)?.[0] ?? null;

const noteAnswer = (noteId: string, location: string): AnswerSql => ({
  status: 201,
  headers: "json_object('location', ?2)",
  body: `json_object('success', json('true'), 'data', ${NOTE})`,
  from: "FROM notes AS n WHERE n.note_id = ?1",
  args: [noteId, location],
});
