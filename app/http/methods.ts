// Which methods an address takes: for 405 and for OPTIONS.
import { Problem } from "./problems.ts";

export type Route = { method: string; path: string };

/** The methods of every route that fits the path, HEAD with GET; empty when none fits. */
export function allowedMethods(routes: readonly Route[], path: string): string[] {
  const methods = new Set<string>();
  for (const route of routes) {
    if (!fits(route.path, path)) continue;
    methods.add(route.method);
    if (route.method === "GET") methods.add("HEAD");
  }
  if (methods.size > 0) methods.add("OPTIONS");
  return [...methods].sort();
}

function fits(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.at(-1) === "*")
    return given.length >= wanted.length && wanted.slice(0, -1).every((part, at) => part === given[at]);
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => (part.startsWith(":") ? given[at] !== "" : part === given[at]))
  );
}

/** The answer to OPTIONS, without what browsers ask of it. Throws a `Problem` for an address that is not there. */
export function preflight(routes: readonly Route[], path: string): Response {
  const allowed = allowedMethods(routes, path);
  if (allowed.length === 0) throw new Problem("not-found", "there is nothing at this address");
  return new Response(null, {
    status: 204,
    headers: {
      allow: allowed.join(", "),
      "cache-control": "private, no-store",
    },
  });
}
