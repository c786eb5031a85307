// What nodes say about whether they should get traffic.
import type { Cluster } from "../cluster.ts";
import { request } from "../traffic/client.ts";

/** What `/readyz?verbose` of a node says; `why` is empty where it is ready. */
export type Readiness = { name: string; status: number; why: string };

/** The readiness of every node. */
export const readinessOf = ({ nodes }: Cluster): Promise<Readiness[]> =>
  Promise.all(
    nodes.map(async ({ name, url }) => {
      const { status, text } = await request(url, { path: "/readyz?verbose" });
      const { why = "" } = text.startsWith("{") ? (JSON.parse(text) as { why?: string }) : {};
      return { name, status, why };
    }),
  );
