// The door's certificate and its key: read from files and checked before nodes see it.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Tls } from "./door/messages.ts";

/** The files with the certificate, its chain behind it, and with its private key; both as PEM. */
export type CertificateFiles = { cert: string; key: string };

/** Reads the files. `warning` is a sentence about a certificate that has ended. Throws one sentence when they cannot be used. */
export function readCertificate(
  files: CertificateFiles,
  nowMs: number,
): { tls: Tls; warning: string | undefined } {
  const [cert, key] = [textOf("--tls-cert", files.cert), textOf("--tls-key", files.key)];
  const certificate = certificateOf(files.cert, cert);
  if (!certificate.checkPrivateKey(privateKeyOf(files.key, key)))
    throw new Error(`${files.key} is not the key of the certificate in ${files.cert}`);
  const hasEnded = Date.parse(certificate.validTo) <= nowMs;
  return {
    tls: { cert, key },
    warning: hasEnded
      ? `the certificate in ${files.cert} ended on ${certificate.validTo}: nodes refuse it`
      : undefined,
  };
}

function textOf(option: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new Error(`${option} is ${path}: there is no such file, or it cannot be read`);
  }
}

function certificateOf(path: string, pem: string): X509Certificate {
  try {
    if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new Error("no PEM");
    return new X509Certificate(pem);
  } catch {
    throw new Error(`${path} holds no certificate as PEM`);
  }
}

function privateKeyOf(path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error(`${path} holds no private key as PEM, or one with a password`);
  }
}
