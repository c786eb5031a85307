// Answers for who knows of a change: at least that new, and the kept ones as long as they are good enough.
import { expect, test } from "bun:test";
import { fillOf, openHandCache, textOf } from "../testing/cache.ts";

const ITEM = { scope: "item", shoeIds: ["a"] } as const;
const LIST = { scope: "list" } as const;
const BEGIN_SEQ = 50;

/** What stands at the key for a request that asks for at least this `seq`. */
const ask = async (
  hand: ReturnType<typeof openHandCache>,
  body: string,
  options: typeof ITEM | typeof LIST,
  since = 0,
) => {
  const { entry, outcome } = await hand.cache.answer(
    fillOf("/key", () => body, options),
    since,
  );
  return `${outcome} ${textOf(entry)}`;
};

test.each([ITEM, LIST])(
  "a kept answer is too old for who knows of a change that is told to others later: %p",
  async (kind) => {
    const hand = openHandCache();
    await ask(hand, "old", kind);
    // The first is told at once, the second only after a while.
    hand.change(["counters", "a"]);
    await ask(hand, "first", kind);
    hand.change(["counters", "a"]);
    expect(await ask(hand, "second", kind)).toBe("hit first");
    expect(hand.cache.find("/key", BEGIN_SEQ + 2)).toBeUndefined();
    expect(await ask(hand, "second", kind, BEGIN_SEQ + 2)).toBe("miss second");
    expect(await ask(hand, "third", kind, BEGIN_SEQ + 2)).toBe("hit second");
    expect(await ask(hand, "third", kind)).toBe("hit second");
  },
);

test("changes that do not concern an answer, or came after the one that is known, leave it good", async () => {
  const hand = openHandCache();
  await ask(hand, "a", ITEM);
  hand.change(["counters", "b"], ["collection", null]);
  expect(await ask(hand, "new", ITEM, BEGIN_SEQ + 2)).toBe("hit a");
  hand.change(["counters", "a"]);
  await ask(hand, "a 2", ITEM);
  hand.change(["counters", "b"], ["counters", "a"]);
  expect(await ask(hand, "new", ITEM, BEGIN_SEQ + 4)).toBe("hit a 2");
  expect(await ask(hand, "new", ITEM, BEGIN_SEQ + 5)).toBe("miss new");
});

test("what was missing is looked for again by who knows of a change", async () => {
  const hand = openHandCache();
  const nothing = await hand.cache.answer(fillOf("/key", () => null, ITEM));
  expect(nothing.entry).toBeNull();
  expect(await ask(hand, "there", ITEM)).toBe("hit null");
  expect(await ask(hand, "there", ITEM, BEGIN_SEQ)).toBe("miss there");
});
