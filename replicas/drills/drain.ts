// The drill of a rolling restart: each node is drained and started again under load, and no request of anybody is lost.

import { count, type Drill, type DrillOptions, inSeconds } from "./drill.ts";
import {
  type Account,
  demoId,
  type HttpRequest,
  type HttpResponse,
  registerCustomers,
  request,
  signInAdmin,
} from "./traffic/client.ts";
import { capacityOf, openLoad, statusesText } from "./traffic/load.ts";
import { pick, random } from "./traffic/random.ts";
import { anyRead, SHOES } from "./traffic/reads.ts";

const NODES = { full: 12, short: 4 };
const WRITE_SHARE = 0.05;
const CUSTOMERS = 4;
const LANES = 32;
const LANES_AT_RATE = 400;
const BEFORE_MS = 2_000;
const EXAMPLES_MAX = 5;
/** A drain and a start take no longer. */
const SECONDS_EACH = 12;

const nodesOf = ({ isShort, nodes }: DrillOptions): number => nodes ?? (isShort ? NODES.short : NODES.full);

/** Drains and restarts the nodes one after the other at half load: every read and every write is answered as ever. */
export const drain: Drill = {
  name: "drain",
  about: "drain and restart every node, one after the other, at half load: no request fails, reads or writes",
  secondsMax: (options) => 120 + SECONDS_EACH * nodesOf(options),
  async run({ options, progress, checks, boot }) {
    const cluster = await boot(nodesOf(options));
    const admin = await signInAdmin(cluster.edge);
    const people = await registerCustomers(cluster.edge, CUSTOMERS);
    const examples: string[] = [];
    const writes = { sent: 0 };
    const send = async (number: number) => {
      const isWrite = random(number, 10) < WRITE_SHARE;
      if (isWrite) writes.sent += 1;
      const question = isWrite ? anyWrite(number, admin, people) : anyRead(number, people);
      const answer = await request(cluster.edge, question);
      if (isFailed(answer) && examples.length < EXAMPLES_MAX) examples.push(told(question, answer));
      return answer;
    };
    const rate = Math.round((await capacityOf(send, LANES)) / 2);
    progress(`${count(rate)} requests a second from now on`);
    writes.sent = 0;
    const load = openLoad({
      send: (number) => send(number + SHOES * SHOES),
      rate,
      concurrency: LANES_AT_RATE,
    });
    await Bun.sleep(BEFORE_MS);
    const startedAt = performance.now();
    for (const { name } of cluster.nodes) {
      await cluster.control("--drain", name.replace("node-", ""), "--restart");
      progress(`${name} is back`);
    }
    const ms = performance.now() - startedAt;
    await Bun.sleep(BEFORE_MS);
    const { responses, statuses, times } = await load.stop();
    const failed = Object.entries(statuses).reduce(
      (sum, [status, each]) => sum + (isFine(Number(status)) ? 0 : each),
      0,
    );
    checks.measure("restartsMs", ms, `${cluster.nodes.length} restarts in ${inSeconds(ms)}`);
    checks.measure("requests", responses, `${count(responses)} requests`);
    checks.measure("writes", writes.sent, `${count(writes.sent)} of them writes`);
    checks.measure("failed", failed, `${failed} failed`);
    checks.measure("p99Ms", times.percentile(0.99), `p99 ${times.percentile(0.99).toFixed(0)} ms`);
    checks.require(failed === 0, `requests failed: ${statusesText(statuses)}: ${examples.join("; ")}`);
  },
};

const isFine = (status: number): boolean => status >= 200 && status < 400;
const isFailed = ({ status }: HttpResponse): boolean => !isFine(status);

const told = ({ method = "GET", path }: HttpRequest, { status, failure, text, ms }: HttpResponse): string =>
  `${method} ${path} ${failure ?? status} after ${ms.toFixed(0)} ms ${text.slice(0, 160)}`;

/** The write of this number: prices, hearts, and new shoes that must not be made twice. */
function anyWrite(number: number, { token }: Account, people: readonly Account[]): HttpRequest {
  const kind = random(number, 11);
  const shoe = demoId(1 + Math.floor(random(number, 12) * SHOES));
  if (kind < 0.5)
    return { method: "PUT", path: `/api/products/${shoe}`, token, body: { price: 1 + (number % 500) } };
  if (kind < 0.9) {
    const method = kind < 0.75 ? "POST" : "DELETE";
    return { method, path: `/api/shoes/${shoe}/likes/me`, token: pick(people, number).token };
  }
  const headers = { "idempotency-key": `drain-${number}` };
  return { method: "POST", path: "/api/shoes", token, headers, body: { title: `New ${number}`, price: 10 } };
}
