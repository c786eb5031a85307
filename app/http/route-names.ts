// From an address to the pattern of its route: what numbers are kept by, so that there are never more than routes.

type Route = { path: string };
type Pattern = { name: string; parts: string[] };

/** The name of every address that no route fits. */
export const OTHER = "other";

/** Opens the look-up; both prefixes of the API are one. */
export function openRouteNames(routes: readonly Route[]): (pathname: string) => string {
  const byLength = new Map<number, Pattern[]>();
  for (const name of new Set(routes.map(({ path }) => withoutPrefix(path)))) {
    const parts = name.split("/");
    byLength.set(parts.length, [...(byLength.get(parts.length) ?? []), { name, parts }]);
  }
  // What is said in words comes before what is said by a parameter.
  for (const patterns of byLength.values()) patterns.sort((a, b) => openParts(a) - openParts(b));
  const hasRest = routes.some(({ path }) => path === "/*");

  return (pathname) => {
    const given = withoutPrefix(pathname).split("/");
    const found = byLength.get(given.length)?.find(({ parts }) => fits(parts, given));
    if (found) return found.name;
    return hasRest && !/^\/(api|v1)\//.test(pathname) ? "/*" : OTHER;
  };
}

function withoutPrefix(path: string): string {
  if (path.startsWith("/api/")) return path.slice(4);
  return path.startsWith("/v1/") ? path.slice(3) : path;
}
const openParts = ({ parts }: Pattern): number => parts.filter((part) => /^[:*]/.test(part)).length;
const fits = (parts: string[], given: string[]): boolean =>
  parts.every((part, at) => (part.startsWith(":") ? given[at] !== "" : part === given[at]));
