// The door's requests to sqld in the name of a replica: with the token of this life of sqld, within a time, body untouched.

import type { Life } from "../lives.ts";
import { type AnswerKind, kindOf } from "./frames.ts";

/** A replica's request, as the door passes it on: only these headers can change the answer. */
export type ReplicaRequest = { path: string; headers: [string, string][]; body: Uint8Array<ArrayBuffer> };

/** A whole answer of sqld. */
export type Answer = {
  kind: AnswerKind;
  status: number;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
};

/** A request asks for an offset; this is far more than one takes. */
const REQUEST_BYTES_MAX = 1_024;
const ANSWER_MS_MAX = 5_000;
const FORWARDED = [
  "accept-encoding",
  "content-type",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-timeout",
  "te",
  "x-libsql-client-version",
  "x-namespace-bin",
  "x-session-token",
];
/** Those of an answer that concern one connection, or that the door's own answer sets. */
const OF_THE_CONNECTION = ["connection", "content-length", "date", "keep-alive", "transfer-encoding"];

/** Reads a request; `null` where its body is longer than a request can be. */
export async function readReplicaRequest(request: Request, path: string): Promise<ReplicaRequest | null> {
  const headers = FORWARDED.flatMap((name): [string, string][] => {
    const value = request.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const body = new Uint8Array(await request.arrayBuffer());
  return body.length > REQUEST_BYTES_MAX ? null : { path, headers, body };
}

/**
 * Sends the request to sqld. Rejects when sqld does not begin to answer within 5 s, and when `end` is aborted, also while the
 * body is read.
 */
export async function sendToSqld(life: Life, request: ReplicaRequest, end: AbortSignal): Promise<Response> {
  const headers = new Headers(request.headers);
  // Bun would ask for compressed answers, which not every replica reads.
  if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
  headers.set("x-authorization", `Bearer ${life.readToken}`);
  const options = { method: "POST", headers, body: request.body, signal: end };
  const response = await fetch(life.url + request.path, {
    ...options,
    redirect: "manual",
    decompress: false,
  });
  for (const name of OF_THE_CONNECTION) response.headers.delete(name);
  return response;
}

/** Sends the request and reads the whole answer. Rejects after 5 s, when sqld has ended, and for an answer without content. */
export async function askSqld(life: Life, request: ReplicaRequest): Promise<Answer> {
  const end = new AbortController();
  const abort = () => end.abort();
  const timer = setTimeout(abort, ANSWER_MS_MAX);
  life.ended.addEventListener("abort", abort);
  try {
    if (life.ended.aborted) abort();
    const response = await sendToSqld(life, request, end.signal);
    const { status, headers } = response;
    const body = new Uint8Array(await response.arrayBuffer());
    // The driver takes an empty body for "no news", whatever the status.
    if (body.length === 0 && !headers.has("grpc-status")) throw new Error(`sqld says nothing (${status})`);
    return { kind: kindOf(status, headers, body), status, headers, body };
  } finally {
    clearTimeout(timer);
    life.ended.removeEventListener("abort", abort);
  }
}
