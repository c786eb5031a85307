// Which of several media types a client prefers, by its Accept header (RFC 9110 12.5.1).

/** How much a client wants a type, and how exactly its header names it: 3 the type itself, 2 its family, 1 anything. */
type Wish = { quality: number; precision: number };

/** The preferred one of `types`: of the highest quality, then the one named more exactly, then the first. */
export function preferredOf<T extends string>(accept: string | null, types: readonly [T, ...T[]]): T {
  const ranges = (accept ?? "*/*").split(",").map(rangeOf);
  const wishOf = (type: string): Wish => {
    const [family] = type.split("/");
    const names = ["", "*/*", `${family}/*`, type];
    const wishes = ranges.map(({ range, quality }) => ({ quality, precision: names.indexOf(range) }));
    return wishes.reduce((best, each) => (each.precision > best.precision ? each : best), NO_WISH);
  };
  const [first, ...others] = types;
  return others.reduce((best, each) => (isMore(wishOf(each), wishOf(best)) ? each : best), first);
}

const NO_WISH: Wish = { quality: 0, precision: 0 };

const isMore = (one: Wish, other: Wish): boolean =>
  one.quality > other.quality ||
  (one.quality > 0 && one.quality === other.quality && one.precision > other.precision);

function rangeOf(text: string): { range: string; quality: number } {
  const [range = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
  // A malformed weight is that of a client which does not want the type.
  return { range, quality: /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(weight) ? Number(weight) : 0 };
}
