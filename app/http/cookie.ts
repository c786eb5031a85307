// Cookies of the shop: their names and attributes, with TLS and without.

/** Browsers accept this prefix over TLS from the host itself only, so that no other host of the site can set the cookie. */
const HOST_PREFIX = "__Host-";

/** The name that a cookie has: with the prefix where browsers reach the shop by https. */
export const cookieName = (name: string, isSecure: boolean): string =>
  isSecure ? `${HOST_PREFIX}${name}` : name;

/** The `Set-Cookie` header that stores a value for `ageSeconds` where scripts cannot read it; 0 removes it. */
export const setCookie = (name: string, value: string, ageSeconds: number, isSecure: boolean): string =>
  `${cookieName(name, isSecure)}=${value}; Max-Age=${ageSeconds}; Path=/; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
