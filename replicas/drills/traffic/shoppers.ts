// Shoppers who only look: public reads of every kind, through the edge and at each node, and a glance at each event loop.

import type { Cluster } from "../cluster.ts";
import { type Ask, ask, demoId } from "./client.ts";
import { type Load, openLoad, type Report } from "./load.ts";

const SHOES = 1_000;
const WORDS = ["trail", "harbour", "leather", "runner", "boot", "slippr"];
/** A prime: the kinds of questions and the shoes do not go round together. */
const STEP = 7_919;

/** The public address of this number; most are items and related shoes, so that nodes have to compute some. */
export function publicPath(number: number): string {
  const shoe = demoId(1 + ((number * STEP) % SHOES));
  const word = WORDS[number % WORDS.length];
  const paths = [
    `/api/shoes/${shoe}/relatedproducts`,
    `/api/shoes/${shoe}`,
    `/api/shoes/${shoe}/relatedproducts`,
    `/api/products/${shoe}`,
    `/api/shoes?q=${word}&limit=${10 + (number % 40)}`,
    `/api/shoes?category=Running&page=${1 + (number % 5)}`,
    "/api/categories",
    `/api/shoes?facets=true&minPrice=${20 + (number % 60)}`,
  ];
  return paths[number % paths.length] ?? "";
}

/** Sends public reads: every other one through the edge, the rest to the nodes in turn. */
export const lookAround =
  ({ edge, nodes }: Pick<Cluster, "edge" | "nodes">, more: Omit<Ask, "path"> = {}) =>
  (number: number) => {
    const node = nodes[Math.floor(number / 2) % nodes.length]?.url ?? edge;
    return ask(number % 2 === 0 ? edge : node, { ...more, path: publicPath(number) });
  };

const GLANCES_PER_NODE = 10;
const GLANCE_LANES = 200;

/** Asks each node ten times a second whether it lives: the time that takes is how long its event loop was busy. */
export function watchLoops({ nodes }: Pick<Cluster, "nodes">): Load {
  return openLoad({
    send: (number) => ask(nodes[number % nodes.length]?.url ?? "", { path: "/livez" }),
    rate: GLANCES_PER_NODE * nodes.length,
    lanes: GLANCE_LANES,
  });
}

/** How often something went wrong, by status or name; empty when nothing did. */
export const troubles = ({ statuses }: Report): string[] =>
  Object.entries(statuses)
    .filter(([name]) => !/^[23]\d\d$/.test(name))
    .map(([name, times]) => `${times} times ${name}`);
