// Requests of clients that have seen a change: the response is at least that new; entries are used where they suffice.
import { expect, test } from "bun:test";
import { fillOf, openManualCache, textOf } from "../testing/cache.ts";

const ITEM = { scope: "item", shoeIds: ["a"] } as const;
const LIST = { scope: "list" } as const;
const BEGIN_SEQ = 50;

/** Outcome and body at the key for a client that has seen changes up to `since`. */
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
  "an entry whose invalidation is throttled is refused to a client that has seen the change: %p",
  async (kind) => {
    const manual = openManualCache();
    await ask(manual, "old", kind);
    // The first change invalidates at once, the second is held back by the throttle.
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

test("changes that do not concern an entry, or are newer than what the client has seen, leave it valid", async () => {
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

test("a missing resource is computed again for a client that has seen a change", async () => {
  const manual = openManualCache();
  const nothing = await manual.cache.findOrCompute(fillOf("/key", () => null, ITEM));
  expect(nothing.entry).toBeNull();
  expect(await ask(manual, "there", ITEM)).toBe("hit null");
  expect(await ask(manual, "there", ITEM, BEGIN_SEQ)).toBe("miss there");
});
