// Reads as visitors send them: popular shoes and others, lists, pictures, and lists that no cache holds yet.
import { must } from "../../../db/must.ts";
import type { Cluster } from "../cluster.ts";
import { type Account, demoId, type HttpRequest, type HttpResponse, request } from "./client.ts";
import { type Load, openLoad } from "./load.ts";
import { pick, random } from "./random.ts";

/** Shoes of the demo catalogue. */
export const SHOES = 1_000;

const CATEGORIES = ["boots", "hiking", "kids", "loafers", "running", "sandals"];
const WORDS = ["runner", "boot", "strap", "leather", "trail", "knit"];
const CENTS_SPREAD = 97;
const PERSONAL_SHARE = 0.03;
const PROBES_PER_SECOND = 10;
const PROBE_CONCURRENCY = 200;

/** A shoe as visitors choose them, Zipf-distributed: the n-th popular one is read n times as seldom as the first. */
export const popularId = (number: number): string =>
  demoId(Math.min(SHOES, Math.floor(SHOES ** random(number, 1))));

/** A list that no client has requested before, so no cache holds it. */
const newList = (number: number): string =>
  `/api/shoes?minPrice=${(10 + (number % CENTS_SPREAD) / 100).toFixed(2)}&maxPrice=${(100 + number / 100).toFixed(2)}&limit=5`;

/** The path of the public read of this number. */
export function publicRead(number: number): string {
  const kind = random(number, 2);
  if (kind < 0.4) return `/api/shoes/${popularId(number)}/relatedproducts`;
  if (kind < 0.6) return `/v1/products/${popularId(number)}`;
  if (kind < 0.7) return `/images/${popularId(number)}.svg`;
  if (kind < 0.78) return `/api/shoes?category=${pick(CATEGORIES, number)}&page=${1 + (number % 3)}`;
  if (kind < 0.8) return `/api/shoes?facets=true&page=${1 + (number % 5)}`;
  if (kind < 0.85) return `/api/products?q=${pick(WORDS, number)}`;
  if (kind < 0.88) return "/api/categories";
  return newList(number);
}

/** The read of this number: mostly public, a few of an account's own data. */
export function anyRead(number: number, accounts: readonly Account[]): HttpRequest {
  if (random(number, 3) >= PERSONAL_SHARE || accounts.length === 0) return { path: publicRead(number) };
  const path = number % 2 === 0 ? "/api/auth/profile" : "/api/users/me/likes?ids=true";
  return { path, token: pick(accounts, number).token };
}

/** Sends public reads: every other one through the edge, the rest to the nodes in turn. */
export const browse =
  ({ edge, nodes }: Cluster) =>
  (number: number): Promise<HttpResponse> => {
    const node = nodes[Math.floor(number / 2) % nodes.length]?.url ?? edge;
    return request(number % 2 === 0 ? edge : node, { path: publicRead(number) });
  };

/** Probes `/livez` of each node ten times a second: the response time shows how long its event loop was busy. */
export function probeEventLoops({ nodes }: Cluster): Load {
  return openLoad({
    send: (number) => request(must(nodes[number % nodes.length], "the node").url, { path: "/livez" }),
    rate: PROBES_PER_SECOND * nodes.length,
    concurrency: PROBE_CONCURRENCY,
  });
}
