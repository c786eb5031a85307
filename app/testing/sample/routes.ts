// Notes over HTTP: a body in, an item out.
import { Elysia } from "elysia";
import { readFields } from "../../http/body.ts";
import { Problem } from "../../http/problems.ts";
import { facts } from "../../http/routing.ts";
import { answerWrite, type WriteServices } from "../../http/write.ts";
import type { Identity } from "../../identity/identity.ts";
import { identityPlugin } from "../../identity/plugin.ts";
import { shoeIdAt } from "../../shoes/shoes.ts";
import { DOCS, NewNote } from "./model.ts";
import { addNote, findNote } from "./sample.ts";

/** What the routes of notes need. */
export type NoteServices = WriteServices & { identity: Identity };

const HEADERS = { "content-type": "application/json; charset=utf-8", "cache-control": "private, no-store" };

/** The routes below `/api` and `/v1`. */
export function noteRoutes(services: NoteServices) {
  const { db, identity } = services;
  const counted = facts({ counts: "request" });
  return new Elysia({ name: "notes" })
    .use(identityPlugin(identity))
    .post(
      "/notes",
      async (context) => {
        const fields = await readFields(context.request);
        const { shoeId, text } = NewNote.read(fields);
        const note = { noteId: crypto.randomUUID(), shoeId: await shoeIdAt(db, shoeId), text };
        return answerWrite(services, context, fields, (write) => addNote(db, write, note));
      },
      { ...DOCS.addNote, ...counted, who: "user", parse: "none" },
    )
    .get(
      "/notes/:id",
      async ({ params }) => {
        const note = await db.onPrimary((snapshot) => findNote(snapshot, params.id));
        if (note === null) throw new Problem("not-found", "there is no such note");
        return new Response(`{"success":true,"data":${note}}`, { headers: HEADERS });
      },
      { ...DOCS.getNote, ...counted, who: "user" },
    );
}
