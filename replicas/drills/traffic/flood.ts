// A flood: many clients, each with an address and connections of its own, that ask at a rate whatever comes back.
import { Agent, get } from "node:http";
import type { Answer } from "./client.ts";
import { type Load, openLoad } from "./load.ts";

/** Who floods what with what. */
export type FloodOptions = {
  /** Where each request goes, by its number. */
  base(number: number): string;
  path(number: number): string;
  headers(number: number): Record<string, string>;
  /** Requests a second, of all clients together. */
  rate: number;
};

/** So many clients, with the addresses 127.0.1.1 and following. */
const CLIENTS = 20;
const LANES = 200;
const SOCKETS_EACH = 10;
const PATIENCE_MS = 10_000;

/** Starts it. */
export function openFlood({ base, path, headers, rate }: FloodOptions): Load & { close(): void } {
  const agents = Array.from(
    { length: CLIENTS },
    () => new Agent({ keepAlive: true, maxSockets: SOCKETS_EACH }),
  );
  const send = (number: number): Promise<Answer> => {
    const client = number % CLIENTS;
    const options = { agent: agents[client], localAddress: `127.0.1.${client + 1}` };
    return fetchFrom(`${base(number)}${path(number)}`, { ...options, headers: headers(number) });
  };
  const load = openLoad({ send, rate, lanes: LANES });
  return {
    ...load,
    close() {
      for (const agent of agents) agent.destroy();
    },
  };
}

type From = { agent: Agent | undefined; localAddress: string; headers: Record<string, string> };

function fetchFrom(url: string, from: From): Promise<Answer> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const end = (status: number, failure: string | null) =>
      resolve({ status, failure, ms: performance.now() - startedAt, headers: new Headers(), text: "" });
    const request = get(url, { ...from, timeout: PATIENCE_MS }, (response) => {
      response.on("end", () => end(response.statusCode ?? 0, null));
      response.on("error", (thrown) => end(0, thrown.message));
      response.resume();
    });
    request.on("timeout", () => request.destroy(new Error("TimeoutError")));
    request.on("error", (thrown: Error & { code?: string }) => end(0, thrown.code ?? thrown.message));
  });
}
