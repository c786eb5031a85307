// Answers for who knows of a change: at least that new, and the kept ones as long as they are good enough.
import { expect, test } from "bun:test";
import { fillOf, openManualCache, textOf } from "../testing/cache.ts";

const ITEM = { scope: "item", shoeIds: ["a"] } as const;
const LIST = { scope: "list" } as const;
const BEGIN_SEQ = 50;

/** What stands at the key for a request that asks for at least this `seq`. */
const ask = async (
  manual: ReturnType<typeof openManualCache>,
  body: string,
  options: typeof ITEM | typeof LIST,
  since = 0,
) => {
  const { entry, outcome } = await manual.cache.findOrCompute(
    fillOf("/key", () => body, options),
    since,
  );
  return `${outcome} ${textOf(entry)}`;
};

test.each([ITEM, LIST])(
  "a kept answer is too old for who knows of a change that is told to others later: %p",
  async (kind) => {
    const manual = openManualCache();
    await ask(manual, "old", kind);
    // The first is told at once, the second only after a while.
    manual.change(["counters", "a"]);
    await ask(manual, "first", kind);
    manual.change(["counters", "a"]);
    expect(await ask(manual, "second", kind)).toBe("hit first");
    expect(manual.cache.find("/key", BEGIN_SEQ + 2)).toBeUndefined();
    expect(await ask(manual, "second", kind, BEGIN_SEQ + 2)).toBe("miss second");
    expect(await ask(manual, "third", kind, BEGIN_SEQ + 2)).toBe("hit second");
    expect(await ask(manual, "third", kind)).toBe("hit second");
  },
);

test("changes that do not concern an answer, or came after the one that is known, leave it good", async () => {
  const manual = openManualCache();
  await ask(manual, "a", ITEM);
  manual.change(["counters", "b"], ["collection", null]);
  expect(await ask(manual, "new", ITEM, BEGIN_SEQ + 2)).toBe("hit a");
  manual.change(["counters", "a"]);
  await ask(manual, "a 2", ITEM);
  manual.change(["counters", "b"], ["counters", "a"]);
  expect(await ask(manual, "new", ITEM, BEGIN_SEQ + 4)).toBe("hit a 2");
  expect(await ask(manual, "new", ITEM, BEGIN_SEQ + 5)).toBe("miss new");
});

test("what was missing is looked for again by who knows of a change", async () => {
  const manual = openManualCache();
  const nothing = await manual.cache.findOrCompute(fillOf("/key", () => null, ITEM));
  expect(nothing.entry).toBeNull();
  expect(await ask(manual, "there", ITEM)).toBe("hit null");
  expect(await ask(manual, "there", ITEM, BEGIN_SEQ)).toBe("miss there");
});
