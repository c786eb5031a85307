// Which certificates the primary takes, and the one sentence with which it refuses the others.
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { openAuthority } from "../../db/testing/certificates.ts";
import { openScratch } from "../testing/primary.ts";
import { readCertificate } from "./certificate.ts";

const scratch = openScratch();
const authority = openAuthority();
afterAll(() => {
  authority.remove();
  scratch.remove();
});

const NOW_MS = Date.now();
const good = authority.sign("IP:127.0.0.1");
const [CERT, KEY] = [join(scratch.path, "cert.pem"), join(scratch.path, "key.pem")];

async function read(cert: string | null, key: string | null): ReturnType<typeof answer> {
  for (const [path, text] of [
    [CERT, cert],
    [KEY, key],
  ] as const) {
    await Bun.file(path)
      .delete()
      .catch(() => {});
    if (text !== null) await Bun.write(path, text);
  }
  return answer();
}

async function answer() {
  try {
    return readCertificate({ cert: CERT, key: KEY }, NOW_MS);
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

test("takes a pair, also with its chain behind it", async () => {
  expect(await read(good.cert, good.key)).toEqual({ tls: good, warning: undefined });
  const chain = { cert: good.cert + authority.pem, key: good.key };
  expect(await read(chain.cert, chain.key)).toEqual({ tls: chain, warning: undefined });
});

test("warns of one that has ended", async () => {
  const ended = authority.sign("IP:127.0.0.1", -1);
  expect(await read(ended.cert, ended.key)).toEqual({
    tls: ended,
    warning: expect.stringMatching(/^the certificate in \S+cert\.pem ended on .+ GMT: nodes refuse it$/),
  });
});

test.each<[string, string | null, string | null, string]>([
  ["no certificate", null, good.key, `--tls-cert is ${CERT}: there is no such file, or it cannot be read`],
  ["no key", good.cert, null, `--tls-key is ${KEY}: there is no such file, or it cannot be read`],
  ["another text", "certificate", good.key, `${CERT} holds no certificate as PEM`],
  ["half a certificate", good.cert.slice(0, 200), good.key, `${CERT} holds no certificate as PEM`],
  ["the key twice", good.key, good.key, `${CERT} holds no certificate as PEM`],
  ["an empty key", good.cert, "", `${KEY} holds no private key as PEM, or one with a password`],
  [
    "the certificate twice",
    good.cert,
    good.cert,
    `${KEY} holds no private key as PEM, or one with a password`,
  ],
  [
    "another key",
    good.cert,
    authority.sign("DNS:a").key,
    `${KEY} is not the key of the certificate in ${CERT}`,
  ],
  [
    "its chain before it",
    authority.pem + good.cert,
    good.key,
    `${KEY} is not the key of the certificate in ${CERT}`,
  ],
])("refuses %s", async (_name, cert, key, sentence) => {
  expect(await read(cert, key)).toBe(sentence);
});
