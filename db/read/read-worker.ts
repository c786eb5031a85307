// The thread that answers questions which may look at many rows, all questions of one call on one snapshot.
import type { Reader, Row, Statement } from "../database.ts";
import { toDatabaseError } from "../errors.ts";
import type { Request } from "../thread.ts";
import { type Handle, openHandle, openReader } from "./reader.ts";

declare const self: Worker;

const CACHE_KB = 16_384;

let handle: Handle | undefined;
let reader: Reader | undefined;

self.onmessage = ({ data }: MessageEvent<Request<Statement[]>>) => {
  try {
    if (data.kind === "open") {
      handle = openHandle(data.path, CACHE_KB);
      reader = openReader(handle);
    }
    if (data.kind === "close") handle?.close();
    const answer = data.kind === "ask" ? answerAll(data.question) : null;
    self.postMessage({ id: data.id, ok: true, answer });
  } catch (thrown) {
    const { kind, message, columns } = toDatabaseError(thrown);
    self.postMessage({ id: data.id, ok: false, kind, message, columns });
  }
};

function answerAll(questions: Statement[]): Row[][] {
  handle?.exec("BEGIN");
  try {
    return questions.map(({ sql, args = [] }) => reader?.all(sql, ...args) ?? []);
  } finally {
    handle?.exec("COMMIT");
  }
}
