// The questions of a bench of peers, drawn by chance, and the proof that all sides answer them alike.

import type { Side } from "../boot/peers.ts";
import type { Server } from "../boot/shop.ts";
import { randomFrom } from "../harness/stats.ts";
import { difference, type Kind, PAGE_LENGTH, type Question, shopDialect } from "./dialects.ts";

const SAMPLE_SHOES = 30;
const SAMPLE_PAGES = 5;
/** Pages of a list that are asked for, as far as it has them. */
const PAGES_MAX = 10;
/** As oha asks: a cache may hold each encoding by itself. */
const AS_IT_IS = { headers: { "accept-encoding": "identity" } };

type Category = { name: string; count: number };

/** The list pages that are asked for: the first ones of every category and of all shoes. */
export async function listQuestions({ base }: Server, shoes: number): Promise<Question[]> {
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

/** Different things out of a list, drawn by chance, the same for the same seed. */
export function drawn<T>(things: readonly T[], count: number, seed: number): T[] {
  const random = randomFrom(seed);
  const left = [...things];
  return Array.from({ length: Math.min(count, left.length) }, () => {
    const [one] = left.splice(Math.floor(random() * left.length), 1);
    return one as T;
  });
}

/** The mean length of a body in bytes, by side and kind. */
export type Lengths = Map<Side, Map<Kind, number>>;

/**
 * Asks every side the same sample and holds each answer against the first side's; sides with a cache are asked twice. Returns
 * the mean lengths of the bodies; throws with the first difference.
 */
export async function expectEqualAnswers(
  sides: readonly Side[],
  shoes: number,
  lists: readonly Question[],
  seed: number,
): Promise<Lengths> {
  const numbers = Array.from({ length: shoes }, (_, at) => at + 1);
  const sample: Question[] = [
    ...drawn(numbers, SAMPLE_SHOES, seed).flatMap((shoe): Question[] => [
      { kind: "item", shoe },
      { kind: "related", shoe },
    ]),
    ...drawn(lists, SAMPLE_PAGES, seed),
  ];
  const lengths = new Map<Side, Map<Kind, number[]>>();
  for (const question of sample) {
    let expected: unknown;
    for (const side of sides) {
      for (let time = 0; time < (side.readHits === null ? 1 : 2); time += 1) {
        const { shape, bytes } = await ask(side, question);
        expected ??= shape;
        const fault = difference(side.name, shopDialect.pathOf(question), expected, shape);
        if (fault !== null) throw new Error(fault);
        const ofSide = lengths.get(side) ?? new Map<Kind, number[]>();
        lengths.set(side, ofSide.set(question.kind, [...(ofSide.get(question.kind) ?? []), bytes]));
      }
    }
  }
  return new Map(
    [...lengths].map(([side, kinds]) => [side, new Map([...kinds].map(([kind, all]) => [kind, mean(all)]))]),
  );
}

const mean = (values: readonly number[]): number =>
  Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);

async function ask(side: Side, question: Question): Promise<{ shape: unknown; bytes: number }> {
  const response = await fetch(side.server.base + side.pathOf(question), AS_IT_IS);
  const body = await response.bytes();
  if (response.status !== 200) throw new Error(`${side.name} answers ${response.status}: ${response.url}`);
  return {
    shape: side.shapeOf(question.kind, JSON.parse(new TextDecoder().decode(body))),
    bytes: body.length,
  };
}

/** Asks a side each question once, several at a time, so that its cache holds the answers. */
export async function fill(side: Side, questions: readonly Question[], atATime: number): Promise<void> {
  const waiting = questions.values();
  const worker = async () => {
    for (const question of waiting) {
      const response = await fetch(side.server.base + side.pathOf(question), AS_IT_IS);
      await response.arrayBuffer();
      if (response.status !== 200)
        throw new Error(`${side.name} answers ${response.status}: ${response.url}`);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}
