// The walk of one request through the door: method, token, the server's life, body, room.
import { DatabaseError } from "../../../db/errors.ts";
import { messageOf } from "../../../db/message.ts";
import { endWith, readBody } from "./body.ts";
import type { Guests } from "./guests.ts";
import type { Lives } from "./lives.ts";
import { Refusal, refuse } from "./refusal.ts";
import type { RefusedTokens } from "./refused-tokens.ts";
import type { Route } from "./routes.ts";
import type { Tokens } from "./tokens.ts";

export type Gate = {
  /** Answers a request to this route; `peer` is the client's address. Never rejects. */
  serve(route: Route, request: Request, peer: string): Promise<Response>;
};

type GateDeps = {
  tokens: Tokens;
  lives: Lives;
  guests: Guests;
  refused: RefusedTokens;
  say(line: string): void;
  /** The longest time in which a body must have come. */
  bodyMs: number;
};

const REFUSED = "this token is refused";

/** Opens the gate. */
export function openGate({ tokens, lives, guests, refused, say, bodyMs }: GateDeps): Gate {
  const answer = async (route: Route, request: Request, peer: string): Promise<Response> => {
    if (request.method !== route.method)
      return refuse(405, "failed", "this path has another method", { allow: route.method });
    if (!tokens.isReady()) return refuse(503, "unreachable", "the door has no keys yet");
    const token = tokenOf(request, route);
    const verdict = tokens.check(token);
    if (token === null || "fault" in verdict) {
      refused.note("fault" in verdict ? verdict.fault : "missing", peer);
      return refuse(401, "unreachable", REFUSED, { "www-authenticate": "Bearer" });
    }
    if (route.access === "write" && verdict.access === "read") {
      refused.note("read-only", peer);
      return refuse(403, "unreachable", "this token may only read");
    }
    if (!lives.current()) return refuse(503, "unreachable", "the primary is not up");
    return await receive(route, request, token);
  };

  const refusalOfEnded = (token: string): Refusal =>
    "fault" in tokens.check(token)
      ? new Refusal(401, "unreachable", REFUSED)
      : new Refusal(503, "unreachable", "the door ends");

  const receive = async (route: Route, request: Request, token: string): Promise<Response> => {
    const { gone, leave } = guests.enter(request, token, route.isHeld ?? false);
    let isStreaming = false;
    try {
      const body = route.method === "POST" ? await readBody(request, bodyMs) : null;
      const inside = new Request(`http://door${route.path}`, {
        method: route.method,
        headers: request.headers,
        body,
        signal: gone,
      });
      const handling = route.handle(inside);
      const response = await (route.isHeld ? endedBy(gone, handling, () => refusalOfEnded(token)) : handling);
      if (!route.isStreamed || !response.body) return response;
      isStreaming = true;
      return new Response(endWith(response.body, gone, leave), response);
    } finally {
      if (!isStreaming) leave();
    }
  };

  return {
    async serve(route, request, peer) {
      try {
        return await answer(route, request, peer);
      } catch (thrown) {
        if (thrown instanceof Refusal) return refuse(thrown.status, thrown.kind, thrown.message);
        if (thrown instanceof DatabaseError && thrown.kind === "unreachable")
          return refuse(503, "unreachable", thrown.message);
        say(`${route.path} failed: ${messageOf(thrown)}`);
        return refuse(500, "uncertain", "the door failed");
      }
    },
  };
}

/** The text after `Bearer `; `null` where there is none. */
function tokenOf({ headers }: Request, { tokenHeader }: Route): string | null {
  const header = (tokenHeader && headers.get(tokenHeader)) ?? headers.get("authorization") ?? "";
  return /^Bearer +(\S+)$/i.exec(header)?.[1] ?? null;
}

/** The response, or `refusal` once the request has been ended. */
async function endedBy(
  gone: AbortSignal,
  handling: Promise<Response>,
  refusal: () => Refusal,
): Promise<Response> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = () => reject(refusal());
  gone.addEventListener("abort", end);
  if (gone.aborted) end();
  try {
    return await Promise.race([handling, ended]);
  } finally {
    gone.removeEventListener("abort", end);
    handling.catch(() => {});
  }
}
