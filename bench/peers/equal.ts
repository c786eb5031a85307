// The queries of the peers scenario, and the check that all servers respond to them alike.
import type { Side } from "../boot/peers.ts";
import type { Server } from "../boot/shop.ts";
import { randomFrom } from "../harness/stats.ts";
import { difference, type Kind, PAGE_LENGTH, type Query, shopDialect } from "./dialects.ts";

const SAMPLE_SHOES = 30;
const SAMPLE_PAGES = 5;
/** Only the first pages of a list are requested. */
const PAGES_MAX = 10;
/** As oha sends them: a cache may hold each encoding separately. */
const AS_OHA = { headers: { "accept-encoding": "identity" } };

type Category = { name: string; count: number };

/** The list pages that are requested: the first ones of every category and of all shoes. */
export async function listQueries({ base }: Server, shoes: number): Promise<Query[]> {
  const response = await fetch(`${base}/api/categories`);
  const { data } = (await response.json()) as { data: Category[] };
  const lists = [{ name: null, count: shoes }, ...data.filter(({ count }) => count > 0)];
  return lists.flatMap(({ name, count }) =>
    Array.from({ length: Math.min(PAGES_MAX, Math.ceil(count / PAGE_LENGTH)) }, (_, at) => ({
      kind: "list" as const,
      category: name,
      page: at + 1,
    })),
  );
}

/** A random sample without repeats, which depends only on the seed. */
export function sampleOf<T>(items: readonly T[], count: number, seed: number): T[] {
  const random = randomFrom(seed);
  const left = [...items];
  return Array.from({ length: Math.min(count, left.length) }, () => {
    const [one] = left.splice(Math.floor(random() * left.length), 1);
    return one as T;
  });
}

/** The mean body length in bytes, by side and kind. */
export type Lengths = Map<Side, Map<Kind, number>>;

/**
 * Sends the same sample to every side, twice where it has a cache, and compares each response with that of the first
 * side. Returns the mean body lengths; throws the first difference.
 */
export async function expectEqualAnswers(
  sides: readonly Side[],
  shoes: number,
  lists: readonly Query[],
  seed: number,
): Promise<Lengths> {
  const numbers = Array.from({ length: shoes }, (_, at) => at + 1);
  const sample: Query[] = [
    ...sampleOf(numbers, SAMPLE_SHOES, seed).flatMap((shoe): Query[] => [
      { kind: "item", shoe },
      { kind: "related", shoe },
    ]),
    ...sampleOf(lists, SAMPLE_PAGES, seed),
  ];
  const lengths = new Map<Side, Map<Kind, number[]>>();
  for (const query of sample) {
    let expected: unknown;
    for (const side of sides) {
      for (let time = 0; time < (side.readHits === null ? 1 : 2); time += 1) {
        const { shape, bytes } = await fetchShape(side, query);
        expected ??= shape;
        const fault = difference(side.name, shopDialect.pathOf(query), expected, shape);
        if (fault !== null) throw new Error(fault);
        const ofSide = lengths.get(side) ?? new Map<Kind, number[]>();
        lengths.set(side, ofSide.set(query.kind, [...(ofSide.get(query.kind) ?? []), bytes]));
      }
    }
  }
  return new Map(
    [...lengths].map(([side, kinds]) => [side, new Map([...kinds].map(([kind, all]) => [kind, mean(all)]))]),
  );
}

const mean = (values: readonly number[]): number =>
  Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);

async function fetchShape(side: Side, query: Query): Promise<{ shape: unknown; bytes: number }> {
  const response = await fetch(side.server.base + side.pathOf(query), AS_OHA);
  const body = await response.bytes();
  if (response.status !== 200)
    throw new Error(`${side.name} responds with ${response.status}: ${response.url}`);
  return {
    shape: side.shapeOf(query.kind, JSON.parse(new TextDecoder().decode(body))),
    bytes: body.length,
  };
}

/** Sends each query once, several at a time, so that the cache of a side holds every response. */
export async function fill(side: Side, queries: readonly Query[], atATime: number): Promise<void> {
  const waiting = queries.values();
  const worker = async () => {
    for (const query of waiting) {
      const response = await fetch(side.server.base + side.pathOf(query), AS_OHA);
      await response.arrayBuffer();
      if (response.status !== 200)
        throw new Error(`${side.name} responds with ${response.status}: ${response.url}`);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}
