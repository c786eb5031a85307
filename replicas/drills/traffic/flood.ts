// A flood: many clients, each with an address and connections of its own, that send at a rate whatever the responses.
import { Agent, get } from "node:http";
import type { HttpResponse } from "./client.ts";
import { type Load, openLoad } from "./load.ts";

/** The target and content of a request, by its number. */
export type FloodOptions = {
  base(number: number): string;
  path(number: number): string;
  headers(number: number): Record<string, string>;
  /** Requests a second, of all clients together. */
  rate: number;
};

/** Their addresses are 127.0.1.1 and the following. */
const CLIENTS = 20;
const CONCURRENCY = 200;
const SOCKETS_PER_CLIENT = 10;
const TIMEOUT_MS = 10_000;

/** Starts a flood; its connections are closed when it stops. */
export function openFlood({ base, path, headers, rate }: FloodOptions): Load {
  const agents = Array.from(
    { length: CLIENTS },
    () => new Agent({ keepAlive: true, maxSockets: SOCKETS_PER_CLIENT }),
  );
  const send = (number: number): Promise<HttpResponse> => {
    const client = number % CLIENTS;
    return requestFrom(`127.0.1.${client + 1}`, agents[client], base(number) + path(number), headers(number));
  };
  const load = openLoad({ send, rate, concurrency: CONCURRENCY });
  return {
    ...load,
    async stop() {
      const report = await load.stop();
      for (const agent of agents) agent.destroy();
      return report;
    },
  };
}

/** As `request` of client.ts, which cannot choose the address that it sends from. */
function requestFrom(
  localAddress: string,
  agent: Agent | undefined,
  url: string,
  headers: Record<string, string>,
): Promise<HttpResponse> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const end = (status: number, failure: string | null) =>
      resolve({ status, failure, ms: performance.now() - startedAt, headers: new Headers(), text: "" });
    const sent = get(url, { agent, localAddress, headers, timeout: TIMEOUT_MS }, (response) => {
      response.on("end", () => end(response.statusCode ?? 0, null));
      response.on("error", (thrown) => end(0, thrown.message));
      response.resume();
    });
    sent.on("timeout", () => sent.destroy(new Error("TimeoutError")));
    sent.on("error", (thrown: Error & { code?: string }) => end(0, thrown.code ?? thrown.message));
  });
}
