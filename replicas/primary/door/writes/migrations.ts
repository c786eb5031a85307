// Migrations through the door: SQL of any kind on one stream at a time, while the write queue stands still.
import { DatabaseError } from "../../../../db/errors.ts";
import type { Life, Lives } from "../lives.ts";
import { openHolder } from "./holder.ts";
import { errorResponse } from "./shapes.ts";
import { reachesBeyond } from "./statements.ts";

/** A migration may rewrite large tables. */
const REQUEST_MS = 600_000;
const CLOSE_MS = 5_000;
/** The paths of the address for `@libsql/client`: SQL, and the look at which versions the server speaks. */
const PIPELINE = /^\/v[23]\/pipeline$/;
const VERSION = /^\/v[23]$/;

export type Migrations = {
  handle(request: Request, rest: string): Promise<Response>;
  /** Whether a client has sqld to itself. */
  isHeld(): boolean;
  /** Ends the stream of a client that has sqld to itself. */
  close(): Promise<void>;
};

type Deps = {
  lives: Lives;
  /** Called after each request, which may have changed the data. */
  onChange(): void;
  /** Resolves when no group is under way; none is begun while `isHeld`. */
  untilQuiet(): Promise<void>;
  /** How long a stream may be idle. */
  idleMs?: number;
  /** How long another client waits for its turn. */
  waitMs?: number;
};

/** Opens the way for migrations; nobody has sqld yet. */
export function openMigrations({ lives, onChange, ...holding }: Deps): Migrations {
  const holder = openHolder({
    ...holding,
    async close(life, baton) {
      const body = JSON.stringify({ baton, requests: [{ type: "close" }] });
      await send(life, "/v3/pipeline", body, AbortSignal.timeout(CLOSE_MS)).catch(() => undefined);
      onChange();
    },
  });

  const forward = async (life: Life, path: string, request: Request): Promise<Response> => {
    const text = await request.text();
    const { baton, sqls } = partsOf(text);
    if (sqls.some(reachesBeyond))
      throw new DatabaseError("failed", "a migration may not reach beyond the database");
    const hold = await holder.take(life, baton);
    let next: string | null = null;
    try {
      // A client that goes away ends its statement.
      const signal = AbortSignal.any([life.ended, request.signal, AbortSignal.timeout(REQUEST_MS)]);
      const answer = await send(life, path, text, signal);
      const reply = await answer.text();
      next = partsOf(reply).baton;
      const type = answer.headers.get("content-type") ?? "application/json";
      return new Response(reply, { status: answer.status, headers: { "content-type": type } });
    } catch {
      throw new DatabaseError("uncertain", "the primary's server did not answer");
    } finally {
      holder.keep(hold, next);
      onChange();
    }
  };

  return {
    async handle(request, rest) {
      try {
        const life = lives.current();
        if (life === null) throw new DatabaseError("unreachable", "the primary's server does not run");
        if (request.method === "GET" && VERSION.test(rest)) return new Response("the primary's door");
        if (request.method === "POST" && PIPELINE.test(rest)) return await forward(life, rest, request);
        return new Response(null, { status: 404 });
      } catch (thrown) {
        return errorResponse(thrown);
      }
    },
    isHeld: holder.isHeld,
    close: holder.end,
  };
}

/** The baton in a request or a reply, `null` where it begins or ends a stream, and every SQL text. */
function partsOf(text: string): { baton: string | null; sqls: string[] } {
  const sqls: string[] = [];
  try {
    const body: unknown = JSON.parse(text, (key, value) => {
      if (key === "sql" && typeof value === "string") sqls.push(value);
      return value;
    });
    const baton = typeof body === "object" && body !== null && "baton" in body ? body.baton : null;
    return { baton: typeof baton === "string" ? baton : null, sqls };
  } catch {
    return { baton: null, sqls };
  }
}

const send = (life: Life, path: string, body: string, signal: AbortSignal): Promise<Response> =>
  fetch(life.url + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${life.writeToken}`,
      "accept-encoding": "identity",
    },
    body,
    signal,
  });
