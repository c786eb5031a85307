// Free ports on loopback, for the servers that clusters, tests and benchmarks start. They lie below the range that the system
// gives to outgoing connections, so that a server that is down for a while finds its own port again.
import { must } from "./must.ts";

const FIRST = 20_000;
const LAST = 29_999;

/** One free port; servers that are started together take theirs from one call of `freePorts`. */
export function freePort(): number {
  const [port] = freePorts(1);
  return must(port, "the free port");
}

/** So many free ports, counted up from a random one: two processes seldom try the same. Throws when there are fewer. */
export function freePorts(count: number, random: () => number = Math.random): number[] {
  const span = LAST - FIRST + 1;
  const start = Math.floor(random() * span);
  const ports: number[] = [];
  for (let step = 0; step < span && ports.length < count; step += 1) {
    const port = FIRST + ((start + step) % span);
    if (isFree(port)) ports.push(port);
  }
  if (ports.length < count) throw new Error(`no ${count} free ports between ${FIRST} and ${LAST}`);
  return ports;
}

/** Whether a server can listen on this port of loopback now. */
export function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, exclusive: true, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
