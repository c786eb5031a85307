// A mail server that fails a share of the tries, in every way and as often as it is told, and is away for moments.
import { type Behaviour, type MailServer, openMailServer, type ReceivedMail } from "../mail-server.ts";

/** How often each failure comes, of all that fail. A stall costs the sender its whole patience. */
const FAILURES: [Behaviour, number][] = [
  ["greylist", 0.4],
  ["refuse", 0.2],
  ["reject", 0.2],
  ["drop", 0.19],
  ["stall", 0.01],
];
/** A mail that failed so often is accepted: every one arrives in the end. */
const FAILS_MAX = 6;
const AWAY_MS = 700;
const REOPENS_MAX = 20;
const REOPEN_MS = 50;

export type PostOffice = {
  /** The value of SMTP_URL. */
  url: string;
  /** Accepted mails in their order, from this place on. */
  received(from?: number): ReceivedMail[];
  /** The tries so far by what became of them. */
  tries(): Map<Behaviour, number>;
  /** Resolves with the next try, in the middle of it. */
  nextTry(): Promise<void>;
  /** Refuses connections for a moment. */
  goAway(): Promise<void>;
  close(): Promise<void>;
};

/** Opens the server; `failShare` of the tries fail. */
export async function openPostOffice(failShare: number): Promise<PostOffice> {
  const tries = new Map<Behaviour, number>();
  const done: ReceivedMail[] = [];
  const triedBefore = new Map<string, number>();
  let waiting: (() => void)[] = [];
  // The server counts from zero again after it was away.
  const choose = (recipient: string): Behaviour => {
    const before = triedBefore.get(recipient) ?? 0;
    triedBefore.set(recipient, before + 1);
    const behaviour = behaviourOf(`${recipient} ${before}`, before < FAILS_MAX ? failShare : 0);
    tries.set(behaviour, (tries.get(behaviour) ?? 0) + 1);
    for (const resolve of waiting) resolve();
    waiting = [];
    return behaviour;
  };
  let server = await openMailServer();
  server.behave(choose);
  const { url, port } = server;
  return {
    url,
    received: (from = 0) => [...done.slice(from), ...server.received.slice(Math.max(0, from - done.length))],
    tries: () => tries,
    nextTry: () => new Promise((resolve) => waiting.push(resolve)),
    async goAway() {
      await server.close();
      done.push(...server.received.splice(0));
      await Bun.sleep(AWAY_MS);
      server = await reopen(port);
      server.behave(choose);
    },
    close: () => server.close(),
  };
}

/** Another program may have the port for a moment, as its end of a connection. */
async function reopen(port: number): Promise<MailServer> {
  for (let tries = 1; ; tries += 1)
    try {
      return await openMailServer({}, port);
    } catch (thrown) {
      if (tries === REOPENS_MAX) throw thrown;
      await Bun.sleep(REOPEN_MS);
    }
}

/** The same try always ends the same way. */
export function behaviourOf(attempt: string, failShare: number): Behaviour {
  const drawn = Number(Bun.hash(attempt) % 1_000_000n) / 1_000_000;
  if (drawn >= failShare) return "accept";
  let left = drawn / failShare;
  for (const [behaviour, share] of FAILURES) {
    left -= share;
    if (left < 0) return behaviour;
  }
  return "greylist";
}
