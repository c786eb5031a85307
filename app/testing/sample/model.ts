// The shapes of the sample room: its body, its answers, and the document's part on each route.
import { Type } from "@sinclair/typebox";
import { id, PROSE, text } from "../../http/field-kinds.ts";
import { body } from "../../http/fields.ts";
import { IDEMPOTENCY_KEY, inPath, itemOf, type Operation, operation, ref } from "../../http/openapi-parts.ts";

const TEXT_MAX = 1_000;
const TAG = "Notes";

export const NewNote = body({ shoeId: id(), text: text({ min: 1, max: TEXT_MAX, form: PROSE }) });

/** The named schemas of notes. */
export const NOTE_SCHEMAS = {
  NewNote: NewNote.schema,
  Note: Type.Object({
    id: Type.String(),
    shoeId: Type.String(),
    text: Type.String(),
    createdAt: Type.String({ format: "date-time" }),
  }),
};

/** The document's part on each route. */
export const DOCS = {
  addNote: operation("addNote", {
    summary: "Add a note to a shoe",
    tag: TAG,
    parameters: [IDEMPOTENCY_KEY],
    body: ref("NewNote"),
    answer: [201, itemOf("Note")],
    errors: [404, 409, 422, 504],
  }),
  getNote: operation("getNote", {
    summary: "One note",
    tag: TAG,
    parameters: [inPath("id", "id of the note")],
    answer: [200, itemOf("Note")],
    errors: [404],
  }),
} satisfies Record<string, Operation>;
