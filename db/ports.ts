// Free ports on loopback, for the servers that clusters, tests and benchmarks start. They lie below the range that the system
// gives to outgoing connections, so that a server that is down for a while finds its own port again.
import { must } from "./must.ts";

const FIRST = 20_000;
const LAST = 29_999;
/** The first port of a block is never given away: who listens on it owns the block. */
const BLOCK = 50;
const BLOCKS = (LAST - FIRST + 1) / BLOCK;

type Ports = {
  /** One free port, which is given once. Throws one sentence when there is none. */
  freePort(): number;
  /** So many free ports. */
  freePorts(count: number): number[];
};

/**
 * Opens a source of free ports. A port is free until its server listens, so two processes could be given the same one: each source
 * therefore claims blocks of ports for itself, and holds them until its process ends.
 */
export function openPorts(random: () => number = Math.random): Ports {
  let block: number[] = [];

  const take = (): number => {
    for (;;) {
      const port = block.shift() ?? refill();
      if (isFree(port)) return port;
    }
  };
  const refill = (): number => {
    block = claimBlock(Math.floor(random() * BLOCKS));
    return must(block.shift(), "the first port of a block");
  };
  return { freePort: take, freePorts: (count) => Array.from({ length: count }, take) };
}

/** The source of this process. */
export const { freePort, freePorts } = openPorts();

/** Claims the first block that no source holds, counted from this one; returns its ports. */
function claimBlock(start: number): number[] {
  for (let step = 0; step < BLOCKS; step += 1) {
    const owner = FIRST + ((start + step) % BLOCKS) * BLOCK;
    const claim = tryListen(owner);
    if (!claim) continue;
    // The claim ends with the process, and does not keep it alive.
    claim.unref();
    return Array.from({ length: BLOCK - 1 }, (_, index) => owner + 1 + index);
  }
  throw new Error(`no free ports between ${FIRST} and ${LAST}`);
}

/** Whether a server can listen on this port of loopback now. */
export function isFree(port: number): boolean {
  const listener = tryListen(port);
  listener?.stop(true);
  return listener !== null;
}

function tryListen(port: number): Bun.TCPSocketListener | null {
  try {
    return Bun.listen({ hostname: "127.0.0.1", port, exclusive: true, socket: { data() {} } });
  } catch {
    return null;
  }
}
