// Turns: chooses who of those that wait is next, and who gives up a place, so that no address crowds out another one.

/** Somebody who waits; `address` is the block of addresses that counts as one client. */
export type Waiting = {
  address: string;
  /** Signed in to the same account before: by a session, or from this address. */
  isKnown: boolean;
  /** The account had failed attempts lately. */
  hasFailures: boolean;
};

/** One turn in so many goes to a stranger although known ones wait; odd, so that newest and oldest both get such turns. */
const STRANGERS_EVERY = 5;
/** A round ends after so many turns at the latest: with ever new addresses it would not end. */
const ROUND_MAX = 32;

/** The turns of one line. */
export type Turns = {
  /** Chooses one of those that wait, in the order of their arrival; `undefined` when nobody waits. */
  next<W extends Waiting>(waiting: readonly W[]): W | undefined;
};

/**
 * Opens the turns of a line: known ones first, and each address once a round. They go in the order of arrival, but where
 * wrong passwords hold up the line alternately to the newest, so that nobody waits behind a flood that came before, and to
 * the oldest, so that nobody waits for ever.
 */
export function openTurns(isHeldUp: () => boolean): Turns {
  const [known, strangers] = [openRounds(isHeldUp), openRounds(isHeldUp)];
  let turn = 0;
  return {
    next(waiting) {
      turn += 1;
      const isStrangersTurn = turn % STRANGERS_EVERY === 0;
      const chosen = preferred(waiting, ({ isKnown }) => isKnown !== isStrangersTurn);
      return (chosen[0]?.isKnown ? known : strangers)(chosen);
    },
  };
}

/** The rounds of one class: in each round an address has one turn. */
function openRounds(isHeldUp: () => boolean) {
  const served = new Set<string>();
  let isOldestNext = false;
  return <W extends Waiting>(waiting: readonly W[]): W | undefined => {
    isOldestNext = !isOldestNext || !isHeldUp();
    const at = isOldestNext ? 0 : -1;
    if (served.size === ROUND_MAX || waiting.every(({ address }) => served.has(address))) served.clear();
    const address = waiting.filter((each) => !served.has(each.address)).at(at)?.address;
    if (address === undefined) return undefined;
    served.add(address);
    const ofAddress = waiting.filter((each) => each.address === address);
    return preferred(ofAddress, ({ hasFailures }) => !hasFailures).at(at);
  };
}

/**
 * Chooses who gives up a place when there are too many: a stranger, of the address with the most that wait, with failed
 * attempts if there is one, the one that has waited longest.
 */
export function leastEntitled<W extends Waiting>(waiting: readonly W[]): W | undefined {
  const strangers = preferred(waiting, ({ isKnown }) => !isKnown);
  const ofAddresses = [...Map.groupBy(strangers, ({ address }) => address).values()];
  const most = ofAddresses.reduce<W[]>(
    (longest, each) => (each.length > longest.length ? each : longest),
    [],
  );
  return preferred(most, ({ hasFailures }) => hasFailures)[0];
}

/** Those for which the condition holds, or all when it holds for none. */
function preferred<W>(all: readonly W[], holds: (each: W) => boolean): readonly W[] {
  const some = all.filter(holds);
  return some.length > 0 ? some : all;
}
