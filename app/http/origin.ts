// Which pages may use a session that a browser keeps: the shop's own, and the storefronts in the settings.

/** Where the shop is, and the other origins that the settings allow. */
export type Origins = { publicUrl: string; corsOrigins: readonly string[] };

/** Whether a request comes from a page of the shop's own origin or a listed one; one without Origin does not. */
export function isFromAllowedOrigin(request: Request, { publicUrl, corsOrigins }: Origins): boolean {
  const origin = request.headers.get("origin");
  if (origin === null || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (page.origin !== origin || !/^https?:$/.test(page.protocol)) return false;
  // A proxy may speak TLS for us, so only the host is compared.
  if (page.host === request.headers.get("host")) return true;
  if (publicUrl !== "" && new URL(publicUrl).origin === origin) return true;
  return isListedOrigin(origin, corsOrigins);
}

/** Whether an Origin header names one of these; a port of `*` is any port. */
export const isListedOrigin = (origin: string, listed: readonly string[]): boolean =>
  listed.some((allowed) =>
    allowed.endsWith(":*") ? origin.replace(/:\d{1,5}$/, "") === allowed.slice(0, -2) : allowed === origin,
  );
