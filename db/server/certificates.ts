// The certificates of DATABASE_CA_FILE, by which a primary's own is checked.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { messageOf } from "../message.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificates in the file, as PEM, for the primary at `url`; `undefined` without a file, where those of the system count.
 * Throws one sentence when the file cannot be read, holds anything else, or the address has no TLS.
 */
export function readCertificates(file: string, url: string): string | undefined {
  if (file === "") return undefined;
  if (!url.startsWith("https:"))
    throw new Error(
      "DATABASE_CA_FILE is set: only a primary has certificates whose DATABASE_URL begins with https:",
    );
  const found = readText(file).match(CERTIFICATE) ?? [];
  if (found.length === 0 || !found.every(isCertificate))
    throw new Error(
      `DATABASE_CA_FILE is ${JSON.stringify(file)}: it must be a file of certificates in PEM form`,
    );
  return found.join("\n");
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    throw new Error(`DATABASE_CA_FILE is ${JSON.stringify(file)}: it cannot be read (${messageOf(thrown)})`);
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}
