// Turns: how long a right login waits in thirty kinds of floods, and who gives up a place when there are too many.
import { describe, expect, test } from "bun:test";
import { leastEntitled, openTurns, type Waiting } from "./turns.ts";

type Row = Waiting & { name: string };

const FLOODED = "198.51.100.1";
const HOME = "203.0.113.1";
/** Two turns wait at most for the one before; one in five goes to strangers. */
const SOON = 3;

const waiting = (name: string, address: string, more: Partial<Waiting> = {}): Row => ({
  name,
  address,
  isKnown: false,
  hasFailures: false,
  ...more,
});
const flood = (count: number, addressOf: (n: number) => string, more: Partial<Waiting> = {}): Row[] =>
  Array.from({ length: count }, (_, n) => waiting(`wrong ${n}`, addressOf(n), more));
const one = () => FLOODED;
const many = (n: number) => `198.51.${n >> 8}.${n & 255}`;
const few = (n: number) => `198.51.100.${n % 7}`;
const nets = (n: number) => `2001:db8:0:${n.toString(16)}::/64`;

/** The names in the order of their turns; `arrive` adds some before each turn. */
function orderOf(row: Row[], isHeldUp: boolean, arrive: (turn: number) => Row[] = () => [], turns = 2_000) {
  const line = openTurns(() => isHeldUp);
  const left = [...row];
  const names: string[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    left.push(...arrive(turn));
    const next = line.next(left);
    if (next === undefined) break;
    left.splice(left.indexOf(next), 1);
    names.push(next.name);
  }
  return names;
}

describe("the turn of a right login that comes after wrong ones", () => {
  const home = waiting("right", HOME);
  const neighbour = waiting("right", FLOODED);
  const session = waiting("right", FLOODED, { isKnown: true });
  const failing = { hasFailures: true };
  const known = { isKnown: true };
  type Case = [what: string, flood: Row[], right: Row, turnMax: number];
  test.each<Case>([
    ["none", [], home, 1],
    ["one, from elsewhere", flood(1, one), home, 2],
    ["16 from elsewhere", flood(16, one), home, 2],
    ["17 from elsewhere", flood(17, one), home, 2],
    ["127 from elsewhere", flood(127, one), home, 2],
    ["1,000 from elsewhere", flood(1_000, one), home, 2],
    ["1,000 from seven addresses", flood(1_000, few), home, 8],
    ["17 from as many addresses", flood(17, many), home, 3],
    ["127 from as many addresses", flood(127, many), home, SOON],
    ["1,000 from as many addresses", flood(1_000, many), home, SOON],
    ["1,000 from as many networks", flood(1_000, nets), home, SOON],
    ["180 at failing accounts from elsewhere", flood(180, one, failing), home, 2],
    ["180 at failing accounts from many addresses", flood(180, many, failing), home, SOON],
    ["180 from elsewhere, and its own account had failures", flood(180, one), { ...home, ...failing }, 2],
    ["180 from many, and its own account had failures", flood(180, many), { ...home, ...failing }, SOON],
    ["180 from its own address", flood(180, one), neighbour, 2],
    ["1,000 from its own address", flood(1_000, one), neighbour, 2],
    ["180 from its own address at failing accounts", flood(180, one, failing), neighbour, 1],
    ["16 from its own address at failing accounts", flood(16, one, failing), neighbour, 1],
    ["1,000 from its own address, with a session", flood(1_000, one), session, 1],
    ["1,000 from many addresses, with a session", flood(1_000, many), session, 1],
    ["180 strangers, its own account had failures", flood(180, one), { ...session, ...failing }, 1],
    ["180 with sessions of their own, from elsewhere", flood(180, one, known), home, 5],
    ["180 with sessions, from many addresses", flood(180, many, known), home, 5],
    ["180 with sessions, and it has one too", flood(180, one, known), { ...home, ...known }, 2],
    ["180 with sessions from many, and it has one too", flood(180, many, known), { ...home, ...known }, SOON],
    ["half with sessions, half without", [...flood(90, one, known), ...flood(90, many)], home, 10],
    ["10 at its account, which is slow", flood(10, one), home, 2],
    ["10 at its account, slow, from many", flood(10, many), home, SOON],
    ["10 at its account, slow, from its own address", flood(10, one), neighbour, 2],
    ["60 at its account, slow, and this device is known", flood(60, one), session, 1],
    ["60 from many at its account, slow, device known", flood(60, many), session, 1],
  ])("%s", (_what, wrong, right, turnMax) => {
    const order = orderOf([...wrong, right], true);
    expect(order).toHaveLength(wrong.length + 1);
    expect(order.indexOf("right") + 1).toBeLessThanOrEqual(turnMax);
  });
});

describe("a flood that never ends", () => {
  const endless = (addressOf: (n: number) => string, more: Partial<Waiting> = {}) => {
    let count = 0;
    // More than are served.
    return () =>
      [1, 2, 3].map(() => {
        count += 1;
        return waiting(`wrong ${count}`, addressOf(count), { ...more, hasFailures: true });
      });
  };
  test.each<[string, Parameters<typeof orderOf>[2], Row, number]>([
    ["from elsewhere", endless(one), waiting("right", HOME), 2],
    ["from its own address", endless(one), waiting("right", FLOODED), 2],
    ["from ever new addresses", endless(nets), waiting("right", HOME), 2],
    ["with sessions", endless(few, { isKnown: true }), waiting("right", HOME), 5],
    ["with sessions, from new addresses", endless(nets, { isKnown: true }), waiting("right", HOME), 5],
  ])("%s lets one that was there before have its turn", (_where, arrive, right, turnMax) => {
    const order = orderOf([right], true, arrive, 50);
    expect(order).toHaveLength(50);
    expect(order.slice(0, turnMax)).toContain("right");
  });

  test("of ever new addresses does not end the second turns of the others", () => {
    const office = Array.from({ length: 5 }, (_, n) => waiting(`office ${n}`, HOME));
    const order = orderOf(office, true, endless(nets), 200);
    expect(order.filter((name) => name.startsWith("office"))).toHaveLength(5);
  });
});

describe("a line that nothing holds up", () => {
  test("goes in the order of arrival", () => {
    const row = [1, 2, 3].flatMap((n) => [waiting(`a${n}`, "a"), waiting(`b${n}`, "b")]);
    expect(orderOf(row, false)).toEqual(["a1", "b1", "a2", "b2", "a3", "b3"]);
    expect(orderOf(flood(99, one), false)).toEqual(flood(99, one).map(({ name }) => name));
  });

  test("goes round by address, however many one of them sends", () => {
    const row = [...flood(4, one), waiting("b1", "b"), waiting("c1", "c"), waiting("b2", "b")];
    expect(orderOf(row, false)).toEqual(["wrong 0", "b1", "c1", "wrong 1", "b2", "wrong 2", "wrong 3"]);
  });
});

describe("who gives up a place", () => {
  const full = flood(8, one);
  test.each<[string, Row[], string | undefined]>([
    ["nobody, when nobody waits", [], undefined],
    ["the only one", [waiting("a", "a")], "a"],
    ["the oldest of one address", [...full, waiting("right", FLOODED)], "wrong 0"],
    ["of the address with the most, not the newcomer", [...full, waiting("right", HOME)], "wrong 0"],
    ["of the address with the most, not the oldest", [waiting("right", HOME), ...full], "wrong 0"],
    ["one at a failing account first", [...full, waiting("bad", FLOODED, { hasFailures: true })], "bad"],
    ["a stranger, not the many known", [...flood(8, one, { isKnown: true }), waiting("a", "a")], "a"],
    ["a known one, when all are", flood(8, one, { isKnown: true }), "wrong 0"],
    ["the oldest, when each has an address of its own", flood(8, many), "wrong 0"],
  ])("%s", (_who, row, name) => {
    expect(leastEntitled(row)?.name).toBe(name);
  });
});
