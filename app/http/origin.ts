// Origins: pages of the shop itself and of the storefronts in the settings may use a session cookie.

import type { HostCheck } from "./host.ts";
import { Problem } from "./problems.ts";

/** The shop's public URL, and the other origins that the settings allow. */
export type Origins = { publicUrl: string; corsOrigins: readonly string[] };

/** Whether browsers reach the shop by https. */
export const isBehindTls = ({ publicUrl }: Pick<Origins, "publicUrl">): boolean =>
  publicUrl.startsWith("https:");

/**
 * Whether a request comes from a page of the shop's own origin or a listed one; `false` without an Origin header. Where
 * no cookie is involved, `isOwnHost` tells the shop's own origin from one of a stranger.
 */
export function isFromAllowedOrigin(
  request: Request,
  { publicUrl, corsOrigins }: Origins,
  isOwnHost: HostCheck = () => true,
): boolean {
  const origin = request.headers.get("origin");
  if (origin === null || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (page.origin !== origin || !/^https?:$/.test(page.protocol)) return false;
  // A proxy may terminate TLS, so only the host is compared. A page whose own name points at this machine has that name
  // as its Host too (DNS rebinding), but its browser sends no cookie that it keeps for the shop's host.
  if (page.host === request.headers.get("host") && isOwnHost(request)) return true;
  if (publicUrl !== "" && new URL(publicUrl).origin === origin) return true;
  return isListedOrigin(origin, corsOrigins);
}

/** Throws the `Problem` 403 for a request that a stranger's page makes; programs and old browsers send no Origin. */
export type PageCheck = (request: Request) => void;

/** Opens the check for routes that need no token: a browser on the closed network may show any page of the world. */
export const openPageCheck =
  (origins: Origins, isOwnHost: HostCheck): PageCheck =>
  (request) => {
    if (request.headers.has("origin") && !isFromAllowedOrigin(request, origins, isOwnHost))
      throw new Problem(
        "forbidden",
        "pages of other origins may not do this: see PUBLIC_URL and CORS_ORIGIN",
      );
  };

/** Whether an Origin header names one of these; a port of `*` is any port. */
export const isListedOrigin = (origin: string, listed: readonly string[]): boolean =>
  listed.some((allowed) =>
    allowed.endsWith(":*") ? origin.replace(/:\d{1,5}$/, "") === allowed.slice(0, -2) : allowed === origin,
  );
