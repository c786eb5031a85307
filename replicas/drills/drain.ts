// The drill of a rolling restart: every node is drained and started again under load, and no request fails.
import { checkResponses } from "./checks/responses.ts";
import { type Drill, textOf } from "./drill.ts";
import {
  type Account,
  demoId,
  type HttpRequest,
  request,
  signInAccounts,
  statusOf,
} from "./traffic/client.ts";
import { capacityOf, openLoad } from "./traffic/load.ts";
import { pick, random } from "./traffic/random.ts";
import { anyRead, SHOES } from "./traffic/reads.ts";
import { addRequest, likeRequest, priceRequest } from "./traffic/shoes.ts";

const WRITE_SHARE = 0.05;
const CUSTOMERS = 4;
const CONCURRENCY = 32;
const CONCURRENCY_AT_RATE = 400;
const QUIET_MS = 2_000;
/** The requests of the load are not those that measured the capacity. */
const LOAD_FROM = SHOES * SHOES;

export const drain: Drill = {
  name: "drain",
  about: "drain and restart every node, one after the other, at half load: no request fails, reads or writes",
  async run({ checks, progress, boot }) {
    const cluster = await boot();
    const accounts = await signInAccounts(cluster.edge, CUSTOMERS);
    const examples: string[] = [];
    let writes = 0;
    const send = async (number: number) => {
      const isWrite = random(number, 10) < WRITE_SHARE;
      if (isWrite) writes += 1;
      const sent = isWrite ? anyWrite(number, accounts) : anyRead(number, accounts);
      const response = await request(cluster.edge, sent);
      if (response.status < 200 || response.status > 299)
        examples.push(
          `${sent.method ?? "GET"} ${sent.path} ${statusOf(response)} ${response.text.slice(0, 160)}`,
        );
      return response;
    };
    const rate = Math.round((await capacityOf(send, CONCURRENCY)) / 2);
    progress(`${textOf(rate, "/s")} requests`);
    writes = 0;
    const sendLater = (number: number) => send(number + LOAD_FROM);
    const load = openLoad({ send: sendLater, rate, concurrency: CONCURRENCY_AT_RATE });
    await Bun.sleep(QUIET_MS);
    const startedAt = performance.now();
    for (const { name } of cluster.nodes) {
      await cluster.control("--drain", name, "--restart");
      progress(`${name} runs again`);
    }
    const ms = performance.now() - startedAt;
    await Bun.sleep(QUIET_MS);
    const report = await load.stop();
    checks.measure("restarts", cluster.nodes.length);
    checks.measure("time of all restarts", ms, "ms");
    checks.measure("writes", writes);
    checkResponses(checks, "requests", report, examples);
  },
};

/** The write of this number: changed prices, likes, and new shoes by key. The first account is an admin. */
function anyWrite(number: number, [admin, ...customers]: [Account, ...Account[]]): HttpRequest {
  const kind = random(number, 11);
  const id = demoId(1 + Math.floor(random(number, 12) * SHOES));
  if (kind < 0.5) return priceRequest(admin, id, 1 + (number % 500));
  if (kind < 0.9) return likeRequest(pick(customers, number), id, kind < 0.75 ? "POST" : "DELETE");
  return addRequest(admin, { title: `New ${number}` }, `drain-${number}`);
}
