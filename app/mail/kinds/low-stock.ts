// Low stock, to the staff: a shoe of which an order has left few pairs, or none.
import type { Line } from "../blocks.ts";
import type { Content, Kind, Mail } from "../kind.ts";
import { oneLine } from "../words.ts";

/** A shoe as the order that took its pairs left it. */
type LowShoe = {
  id: string;
  title: string;
  /** `null`: its page is not known. */
  href: string | null;
  /** Of the names of the sizes, such as EU. */
  sizeSystem: string | null;
  stock: number;
  /** A shoe without sizes has one with an empty name. */
  sizes: { size: string; stock: number }[];
  /** The setting LOW_STOCK at that time. */
  threshold: number;
};

/** Longer titles are cut in subjects. */
const SUBJECT_TITLE_MAX = 80;

export const lowStock: Kind = {
  name: "low-stock",
  write(mail, { links }): Content {
    const shoe = shoeOf(mail);
    const heading = shoe.stock === 0 ? "Sold out" : "Low stock";
    const title = oneLine(shoe.title);
    return {
      subject: `${heading}: ${shortened(title)}`,
      blocks: [
        { kind: "heading", text: heading },
        { kind: "text", text: `An order has left ${pairs(shoe.stock)} of ${title} (${shoe.id}).` },
        { kind: "lines", lines: linesOf(shoe) },
        ...(shoe.href === null
          ? []
          : [{ kind: "link" as const, label: "The shoe’s page", url: links.site(shoe.href) }]),
        {
          kind: "note",
          text: `Comes at most once a day for each shoe with ${pairs(shoe.threshold)} or fewer (LOW_STOCK).`,
        },
      ],
    };
  },
};

/** The shoe of a mail. Throws where the row has none. */
function shoeOf({ data, kind }: Mail): LowShoe {
  if (typeof data !== "object" || data === null || !("threshold" in data))
    throw new Error(`a mail ${kind} has no shoe`);
  return data as LowShoe;
}

const linesOf = ({ sizes, sizeSystem, stock }: LowShoe): Line[] => [
  ...sizes
    .filter(({ size }) => size !== "")
    .map(({ size, stock: left }) => ({
      label: `Size ${size}${sizeSystem === null ? "" : ` ${sizeSystem}`}`,
      value: left === 0 ? "sold out" : pairs(left),
    })),
  { label: "In all", value: stock === 0 ? "sold out" : pairs(stock), isStrong: true },
];

const pairs = (count: number): string =>
  count === 0 ? "no pairs" : count === 1 ? "1 pair" : `${count} pairs`;

function shortened(title: string): string {
  const letters = [...title];
  return letters.length <= SUBJECT_TITLE_MAX ? title : `${letters.slice(0, SUBJECT_TITLE_MAX - 1).join("")}…`;
}
