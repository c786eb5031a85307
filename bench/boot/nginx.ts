// NGINX to be measured: with the shipped configuration and with the barest one, both before the same server.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { freePorts } from "../../db/ports.ts";
import { findNginx } from "../../replicas/cluster/edge.ts";
import { type Children, waitFor } from "../harness/children.ts";
import { type Server, statusOf } from "./shop.ts";

const READY = { everyMs: 5, msMax: 20_000 };
const GENERATE_MS_MAX = 20_000;
/** The generator is one client that sends the requests of many, so the edge's limits do not apply to it. */
const LOOPBACK = "127.0.0.0/8\n";

/** The barest NGINX on three ports: with a cache, as a plain proxy, and with a fixed response. */
export type Barest = { cached: Server; proxied: Server; returned: Server };

type Options = { upstream: Server; cores: readonly number[] | null };

/** The path of nginx; throws one sentence when it is not installed. */
function nginxPath(): string {
  const path = findNginx(process.env.PATH ?? "");
  if (path === null) throw new Error("nginx is not installed: apt-get install nginx");
  return path;
}

/** Boots the shipped configuration as `nginx/generate` writes it, with the upstream as its only node. */
export async function bootShipped(children: Children, { upstream, cores }: Options): Promise<Server> {
  const folder = children.makeFolder("shipped");
  const [nodes, exempt, out] = [join(folder, "nodes.txt"), join(folder, "exempt.txt"), join(folder, "edge")];
  const [port, statusPort] = freePorts(2);
  writeFileSync(nodes, `${hostOf(upstream)}\n`);
  writeFileSync(exempt, LOOPBACK);
  const generate = children.run(
    [
      "nginx/generate",
      "--out",
      out,
      "--nodes",
      nodes,
      "--exempt",
      exempt,
      "--listen",
      `127.0.0.1:${port}`,
      "--status-listen",
      `127.0.0.1:${statusPort}`,
    ],
    { cores: null },
  );
  await children.expectEnd(generate, GENERATE_MS_MAX);
  return start(children, out, must(port, "the port of the edge"), cores);
}

/** Boots the barest configuration; `returned` sends a fixed response of this many bytes. */
export async function bootBarest(
  children: Children,
  { upstream, cores, bytes }: Options & { bytes: number },
): Promise<Barest> {
  const folder = children.makeFolder("barest");
  const [cachedPort, proxiedPort, returnedPort] = freePorts(3);
  const ports = {
    cached: must(cachedPort, "the port with a cache"),
    proxied: must(proxiedPort, "the port of the plain proxy"),
    returned: must(returnedPort, "the port with a fixed response"),
  };
  writeFileSync(join(folder, "nginx.conf"), barestText(hostOf(upstream), ports, bytes));
  const cached = await start(children, folder, ports.cached, cores);
  const at = (port: number): Server => ({ ...cached, base: `http://127.0.0.1:${port}` });
  return { cached, proxied: at(ports.proxied), returned: at(ports.returned) };
}

/** The fewest directives that cache and proxy: as many workers as shipped, kept-alive connections, no log. */
const barestText = (upstream: string, ports: Record<keyof Barest, number>, bytes: number): string =>
  `${process.getuid?.() === 0 ? "user root;\n" : ""}worker_processes auto;
pid nginx.pid;
error_log error.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path temp-body;
  proxy_temp_path temp-proxy;
  fastcgi_temp_path temp-unused;
  uwsgi_temp_path temp-unused;
  scgi_temp_path temp-unused;
  keepalive_requests 1000000;
  proxy_cache_path cache keys_zone=kept:16m;
  upstream node { server ${upstream}; keepalive 256; keepalive_requests 1000000; }
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  server {
    listen 127.0.0.1:${ports.cached};
    location / { proxy_pass http://node; proxy_cache kept; }
  }
  server {
    listen 127.0.0.1:${ports.proxied};
    location / { proxy_pass http://node; }
  }
  server {
    listen 127.0.0.1:${ports.returned};
    location / { return 200 "${"x".repeat(bytes)}"; }
  }
}
`;

const hostOf = ({ base }: Server): string => new URL(base).host;

async function start(
  children: Children,
  folder: string,
  port: number,
  cores: readonly number[] | null,
): Promise<Server> {
  const program = [nginxPath(), "-p", folder, "-c", join(folder, "nginx.conf"), "-g", "daemon off;"];
  const server = { base: `http://127.0.0.1:${port}`, child: children.run(program, { cores }) };
  // NGINX writes its process id once all its ports are its own: before that another program may answer on them.
  const probe = () => (existsSync(join(folder, "nginx.pid")) ? statusOf(server.base) : null);
  await waitFor(server.child, "NGINX does not answer", READY, probe);
  return server;
}
