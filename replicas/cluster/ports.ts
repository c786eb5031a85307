// Free ports on loopback, from below the range that the system gives to outgoing connections: a node that is down for a while
// finds its own port again.

const FIRST = 20_000;
const LAST = 29_999;

/** As many free ports as asked for, beginning somewhere by chance so that two clusters seldom try the same. */
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

/** Whether one may listen on this port of loopback now. */
export function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, exclusive: true, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
