// A primary with a certificate: what is trusted, by address and by name, and what the refusal of any other says.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateServer } from "../schema/migrate-server.ts";
import { openAuthority } from "../testing/certificates.ts";
import { expectRefusal, failure, word } from "../testing/contract-parts.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../testing/server.ts";
import { openTlsRelay } from "../testing/tls-relay.ts";
import { readCertificates } from "./certificates.ts";
import { openRemote } from "./remote.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-tls-"));
const [authority, other] = [openAuthority(), openAuthority()];
const names = "IP:127.0.0.1,IP:::1,DNS:localhost";
let server: TestServer;
beforeAll(async () => {
  server = await openTestServer(migratedTemplate(folder));
});
afterAll(async () => {
  await server.remove();
  for (const each of [authority, other]) each.remove();
  rmSync(folder, { recursive: true });
});

test.each(["127.0.0.1", "::1", "localhost"])(
  "a primary at %s is written, queried and migrated",
  async (host) => {
    const relay = await openTlsRelay(server.url, authority.sign(names), host);
    const address = { url: relay.url, authToken: "", ca: authority.pem };
    const db = openRemote(address);
    await db.write([word(host)]);
    expect(await db.scan([{ sql: "SELECT word FROM words WHERE word = ?", args: [host] }])).toEqual([
      [[host]],
    ]);
    expect(await migrateServer(address)).toEqual([]);
    await db.close();
    relay.close();
  },
);

test.each([
  ["of another authority", () => other.sign(names), "is not signed by a trusted one (DATABASE_CA_FILE)"],
  ["that has ended", () => authority.sign(names, -1), "has expired"],
  ["for another name", () => authority.sign("DNS:primary.example"), "does not name the host of DATABASE_URL"],
])("a certificate %s is refused before anything is sent", async (_name, sign, why) => {
  const relay = await openTlsRelay(server.url, sign(), "127.0.0.1");
  const db = openRemote({ url: relay.url, authToken: "", ca: authority.pem });
  const [written, queried] = await Promise.all([
    failure(db.write([word("refused")], "refused")),
    failure(db.scan([{ sql: "SELECT 1" }])),
  ]);
  for (const refusal of [written, queried]) {
    expectRefusal(refusal, "unreachable");
    expect(String(refusal)).toContain(`the primary's certificate ${why}`);
  }
  await db.close();
  relay.close();
});

test("without a file the certificates of the system count, and with one no others", async () => {
  expect(readCertificates("", "http://primary")).toBeUndefined();
  const both = join(folder, "both.pem");
  writeFileSync(both, `comments may stand here\n${authority.pem}\n${other.pem}`);
  const ca = readCertificates(both, "https://primary");
  for (const signer of [authority, other]) {
    const relay = await openTlsRelay(server.url, signer.sign(names), "127.0.0.1");
    const db = openRemote({ url: relay.url, authToken: "", ca });
    expect(await db.scan([{ sql: "SELECT 1" }])).toEqual([[[1]]]);
    await db.close();
    relay.close();
  }
});
