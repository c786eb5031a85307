// A node whose primary has a certificate: it syncs and writes by an address, and says why it refuses a certificate.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAuthority } from "../../db/testing/certificates.ts";
import { word } from "../../db/testing/contract-parts.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../../db/testing/server.ts";
import { openTlsRelay } from "../../db/testing/tls-relay.ts";
import { until } from "../../db/until.ts";
import { untilUnused } from "../testing/replica.ts";
import { openNode } from "./node.ts";

const root = mkdtempSync(join(tmpdir(), "insole-node-tls-"));
const [authority, other] = [openAuthority(), openAuthority()];
const NAMES = "IP:127.0.0.1,IP:::1,DNS:localhost";
let paths: string[] = [];
let server: TestServer;
beforeAll(async () => {
  server = await openTestServer(migratedTemplate(root));
});
afterAll(async () => {
  await untilUnused(...paths);
  await server.remove();
  for (const each of [authority, other]) each.remove();
  rmSync(root, { recursive: true });
});

const optionsFor = (url: string) => {
  const path = join(root, `${paths.length + 1}`, "replica.db");
  paths = [...paths, path];
  return {
    primary: { url, authToken: "", ca: authority.pem },
    syncToken: "",
    path,
    pauseMs: 10,
    log: () => {},
    onFatal: (why: string) => {
      throw new Error(why);
    },
  };
};

test.each(["127.0.0.1", "::1", "localhost"])(
  "a node syncs with a primary at %s and writes there",
  async (host) => {
    const relay = await openTlsRelay(server.url, authority.sign(NAMES), host);
    const node = await openNode(optionsFor(relay.url));
    await node.db.write([word(`at ${host}`)]);
    const find = () => node.db.read.get("SELECT 1 FROM words WHERE word = ?", `at ${host}`);
    await until("the replica has the word", () => find() !== undefined);
    expect(node.trouble()).toBeNull();
    await node.db.close();
    relay.close();
  },
);

test.each([
  ["of another authority", () => other.sign(NAMES), "is not signed by a trusted one (DATABASE_CA_FILE)"],
  ["that has ended", () => authority.sign(NAMES, -1), "has expired"],
  ["for another name", () => authority.sign("DNS:primary.example"), "does not name the host of DATABASE_URL"],
])("a certificate %s keeps a node from syncing, which says why", async (_name, sign, why) => {
  const refused = await openTlsRelay(server.url, sign(), "127.0.0.1");
  const sentence = `the primary's certificate ${why}`;
  const relay = await openTlsRelay(server.url, authority.sign(NAMES), "127.0.0.1");
  const options = optionsFor(relay.url);
  const node = await openNode(options);
  await node.db.close();
  relay.close();
  await untilUnused(options.path);
  const again = await openNode({ ...options, primary: { ...options.primary, url: refused.url } });
  await until("the node notices", () => again.details()?.failure !== null);
  expect(again.details()?.failure).toBe(sentence);
  await again.db.close();
  refused.close();
});

test("a node without a replica does not start with such a certificate, and says why", async () => {
  const refused = await openTlsRelay(server.url, other.sign(NAMES), "127.0.0.1");
  const opening = openNode({ ...optionsFor(refused.url), startMs: 2_000 });
  await expect(opening).rejects.toThrow("no replica after 2 s: the primary's certificate is not signed");
  refused.close();
});
