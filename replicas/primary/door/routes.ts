// The routes that need a token: which kind opens each, and the room it leads to.
import { DOOR } from "../../../db/server/door-protocol.ts";
import { POSITION, readJson } from "./body.ts";
import type { DatasetLook } from "./dataset-look.ts";
import type { Rooms } from "./rooms.ts";
import type { Access } from "./tokens.ts";

export type Route = {
  path: string;
  method: "GET" | "POST";
  /** What a token must at least allow. */
  access: Access;
  /** The header with the token, before `authorization`. */
  tokenHeader?: "x-authorization";
  /** The request only waits and may be ended at any time, because it changes nothing. */
  isHeld?: boolean;
  /** The body of the response may be long. */
  isStreamed?: boolean;
  /** It may take minutes until the response begins. */
  isLong?: boolean;
  handle(request: Request): Promise<Response>;
};

const REPLICATION = "/wal_log.ReplicationLog";
/** What `@libsql/client` asks for below its address. */
const MIGRATION_PATHS = {
  "/v2": "GET",
  "/v2/pipeline": "POST",
  "/v3": "GET",
  "/v3/pipeline": "POST",
} as const;

/** The routes. Everything else is not found. */
export function routesOf({ replication, writes }: Rooms, dataset: DatasetLook): Route[] {
  const replicate = (method: Route["method"], path: string): Route => ({
    path,
    method,
    access: "read",
    tokenHeader: "x-authorization",
    isHeld: true,
    handle: (request) => replication.handle(request, path),
  });
  return [
    replicate("GET", "/info"),
    replicate("POST", `${REPLICATION}/Hello`),
    replicate("POST", `${REPLICATION}/BatchLogEntries`),
    { ...replicate("POST", `${REPLICATION}/Snapshot`), isStreamed: true, isLong: true },
    {
      path: DOOR.dataset,
      method: "GET",
      access: "read",
      handle: async () => Response.json(await dataset.reply()),
    },
    {
      path: DOOR.waiting,
      method: "POST",
      access: "read",
      async handle(request) {
        replication.waiting(await readJson(request, POSITION));
        return new Response(null, { status: 204 });
      },
    },
    { path: DOOR.commit, method: "POST", access: "write", handle: writes.commit },
    { path: DOOR.query, method: "POST", access: "write", handle: writes.query },
    ...Object.entries(MIGRATION_PATHS).map(
      ([rest, method]): Route => ({
        path: DOOR.migrations + rest,
        method,
        access: "write",
        isLong: true,
        handle: (request) => writes.migrations(request, rest),
      }),
    ),
  ];
}
