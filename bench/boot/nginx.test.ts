// NGINX with both configurations: the same bytes, and the right responses from the cache.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { findNginx } from "../../replicas/cluster/edge.ts";
import { openChildren } from "../harness/children.ts";
import { relatedPath } from "../load/urls.ts";
import { cpuUs, treeOf } from "../metrics/proc.ts";
import { type Barest, bootBarest, bootShipped } from "./nginx.ts";
import { bootBare, type Server } from "./shop.ts";

const hasNginx = findNginx(process.env.PATH ?? "") !== null;

const BODY = "the same bytes";
const BOOT_MS_MAX = 60_000;
const children = openChildren();
// CI installs NGINX.
describe.skipIf(!hasNginx)("with NGINX", () => {
  let upstream: Server;
  let shipped: Server;
  let barest: Barest;

  beforeAll(async () => {
    const headers: [string, string][] = [["cache-control", "public, max-age=0, s-maxage=600"]];
    upstream = await bootBare(children, { headers, body: btoa(BODY) }, null);
    shipped = await bootShipped(children, { upstream, cores: null });
    barest = await bootBarest(children, { upstream, cores: null, bytes: BODY.length });
  }, BOOT_MS_MAX);

  afterAll(() => children.close());

  const request = async ({ base }: Server): Promise<string> => {
    const response = await fetch(base + relatedPath(1));
    const text = await response.text();
    return response.status === 200 ? text : String(response.status);
  };

  test("all send the server's bytes, and only those with a cache do without the server", async () => {
    const all = () => Promise.all([shipped, barest.cached, barest.proxied, barest.returned].map(request));
    const made = "x".repeat(BODY.length);
    expect(await all()).toEqual([BODY, BODY, BODY, made]);
    await children.end(upstream.child);
    expect(await all()).toEqual([BODY, BODY, "502", made]);
  });

  test("the CPU time of workers is found through their master", () => {
    const processes = treeOf(barest.cached.child.pid);
    expect(processes.length).toBeGreaterThanOrEqual(2);
    expect(processes.every(({ name }) => name === "nginx")).toBe(true);
    expect(processes.reduce((sum, { pid }) => sum + cpuUs(pid), 0)).toBeGreaterThanOrEqual(0);
  });
});
