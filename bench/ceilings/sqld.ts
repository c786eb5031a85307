// sqld alone on a folder of data, as the primary starts it but without a door; prints where it listens and a token for it.
import { must } from "../../db/must.ts";
import { freePort } from "../../db/ports.ts";
import { until } from "../../db/until.ts";
import { openChildren } from "../../replicas/primary/children.ts";
import { probe } from "../../replicas/primary/probe.ts";
import { endSqld, startSqld } from "../../replicas/primary/sqld.ts";

const PROBE_MS = 1_000;
const END_MS = 5_000;

if (import.meta.main) {
  const data = must(process.argv[2], "the folder of data");
  const children = openChildren();
  const { child, life } = startSqld(children, { data, port: freePort() }, (line) => console.error(line));
  process.on("SIGTERM", () => void endSqld(child, children, END_MS));
  await until("sqld answers", async () => (await probe(life.url, life.writeToken, PROBE_MS)).ok);
  console.log(JSON.stringify({ url: life.url, token: life.writeToken }));
  await child.exited;
  await children.close();
}
