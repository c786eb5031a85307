// Certificates for tests, made with openssl: an authority, and what it signs.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate and its key, as PEM. */
export type Certificate = { cert: string; key: string };

type Authority = {
  /** The file of the authority's own certificate, and its text. */
  path: string;
  pem: string;
  /** Signs a certificate for these names, such as `IP:127.0.0.1` or `DNS:primary`; with negative days it has ended. */
  sign(names: string, days?: number): Certificate;
  /** Removes the files. */
  remove(): void;
};

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes an authority in a folder of its own. */
export function openAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), "insole-certificates-"));
  const pathOf = (name: string): string => join(folder, name);
  const read = (name: string): string => readFileSync(pathOf(name), "utf8");
  const run = (...words: string[]): void => {
    const { exitCode, stderr } = Bun.spawnSync(["openssl", ...words], { cwd: folder, stderr: "pipe" });
    if (exitCode !== 0) throw new Error(`openssl ${words[0]}: ${stderr}`);
  };
  run("req", "-x509", ...KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2");
  let signed = 0;
  return {
    path: pathOf("ca.pem"),
    pem: read("ca.pem"),
    sign(names, days = 2) {
      const name = `${++signed}`;
      run("req", ...KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", "/CN=server");
      writeFileSync(pathOf(`${name}.txt`), `subjectAltName=${names}\n`);
      const authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
      const ends = ["-days", `${days}`, "-extfile", `${name}.txt`];
      run("x509", "-req", "-in", `${name}.csr`, ...authority, "-out", `${name}.pem`, ...ends);
      return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
