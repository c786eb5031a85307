// Real edges for tests: NGINX with the shipped configuration on free ports, before real shops or fake nodes.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../db/ports.ts";
import { until } from "../../db/until.ts";
import { type Child, openChildren } from "../../replicas/primary/children.ts";
import { type HttpResponse, request } from "../rows/client.ts";

const ROOT = join(import.meta.dir, "../..");
const READY_MS = 20_000;
const END_MS = 5_000;

/** Connections that the system keeps for a program of Bun which has not accepted them yet. */
const LISTEN_QUEUE = 512;

/** A real shop on one file. */
type Node = { address: string; child: Child };

/** A running NGINX and the folder that was generated for it. */
export type Edge = {
  url: string;
  statusUrl: string;
  /** The TLS listener; empty without a certificate. */
  tlsUrl: string;
  /** The listener that only redirects; empty without `redirects`. */
  redirectUrl: string;
  folder: string;
  child: Child;
  generate(nodes: readonly string[]): Promise<void>;
  reload(): Promise<void>;
};

/** Listeners of an edge beside plain HTTP on loopback. `statusHost` is the address of its counters, loopback by default. */
type Listeners = { certificate?: Certificate; redirects?: boolean; statusHost?: string };

/** Paths of a certificate and its key. */
type Certificate = { cert: string; key: string };

/** A request that a fake node has received. */
type ReceivedRequest = { method: string; url: string; headers: Record<string, string> };

/** A node whose responses a test chooses; `received` keeps every request. */
export type FakeNode = { address: string; received: ReceivedRequest[]; close(): Promise<void> };

/** The programs that one test file starts. */
type Programs = {
  folder: string;
  bootNodes(count: number): Promise<Node[]>;
  /** Opens a fake node, which `close` closes too. */
  openNode: typeof openFakeNode;
  /** Starts a node that accepts no connection and refuses none, as on a machine that is gone; returns its address. */
  bootSilentNode(): Promise<string>;
  /** `options` go to `nginx/generate`. */
  bootEdge(nodes: readonly string[], options?: readonly string[], listeners?: Listeners): Promise<Edge>;
  /** Ends a program in order, or with SIGKILL at once. */
  end(child: Child, signal?: NodeJS.Signals): Promise<void>;
  close(): Promise<void>;
};

/** Starts programs found on this `PATH`; `close` ends them and removes their folder. */
export function openPrograms(pathOfPrograms: string): Programs {
  const folder = mkdtempSync(join(tmpdir(), "insole-edge-"));
  const children = openChildren();
  const waiting: Socket[] = [];
  const fakes: FakeNode[] = [];
  let made = 0;
  const start = (words: string[], env: Record<string, string>, outPath: string): Child =>
    children.start(words, { cwd: ROOT, env: { PATH: pathOfPrograms, HOME: folder, ...env }, outPath });
  const end = (child: Child, signal: NodeJS.Signals = "SIGTERM") => children.end(child, END_MS, signal);

  const bootNode = async (dataDir: string): Promise<Node> => {
    const log = `${dataDir}.log`;
    // The system chooses the port, and the log names it.
    const child = start([process.execPath, "app/main.ts"], { ...NODE_ENV, DATA_DIR: dataDir }, log);
    let port: string | undefined;
    const isOpen = () => {
      if (!child.isRunning()) throw new Error(`the node ended: ${readFileSync(log, "utf8")}`);
      port = /"shop":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(readFileSync(log, "utf8"))?.[1];
      return port !== undefined;
    };
    await until("the node is open", isOpen, READY_MS);
    return { address: `127.0.0.1:${port}`, child };
  };

  const bootEdge = async (
    nodes: readonly string[],
    options: readonly string[] = [],
    listeners: Listeners = {},
  ): Promise<Edge> => {
    made += 1;
    const out = join(folder, `edge-${made}`);
    const { urls, words } = listen(listeners);
    const nodesPath = join(folder, `nodes-${made}.txt`);
    const generate = (addresses: readonly string[]): Promise<void> => {
      writeFileSync(nodesPath, `# for a test\n${addresses.join("\n")}\n`);
      const all = ["--out", out, "--nodes", nodesPath, ...words, ...asThisUser(), ...options];
      return runOrThrow(["nginx/generate", ...all]);
    };
    await generate(nodes);
    const program = Bun.which("nginx", { PATH: pathOfPrograms }) ?? "nginx";
    const nginx = [program, "-p", out, "-c", join(out, "nginx.conf")];
    const log = join(out, "out.log");
    const child = start([...nginx, "-g", "daemon off;"], {}, log);
    const isReady = async () => {
      if (!child.isRunning()) throw new Error(`NGINX ended: ${readFileSync(log, "utf8")}`);
      // NGINX writes its process id once all its ports are its own: before that another program may answer on them.
      return existsSync(join(out, "nginx.pid")) && (await answers(urls.statusUrl, "/status"));
    };
    await until("NGINX answers", isReady, READY_MS);
    return {
      ...urls,
      folder: out,
      child,
      generate,
      reload: () => runOrThrow([...nginx, "-s", "reload"]),
    };
  };

  return {
    folder,
    bootEdge,
    async bootNodes(count) {
      const first = join(folder, "data-1");
      const filler = await bootNode(first);
      await end(filler.child);
      const dirs = Array.from({ length: count }, (_, at) => join(folder, `data-${at + 1}`));
      for (const dir of dirs.slice(1)) cpSync(first, dir, { recursive: true });
      rmSync(`${first}.log`);
      return Promise.all(dirs.map(bootNode));
    },
    openNode(answer) {
      const node = openFakeNode(answer);
      fakes.push(node);
      return node;
    },
    async bootSilentNode() {
      made += 1;
      const log = join(folder, `silent-${made}.log`);
      start([process.execPath, join(import.meta.dir, "silent-program.ts")], {}, log);
      const portOf = () => Number(/^port (\d+)$/m.exec(readFileSync(log, "utf8"))?.[1] ?? 0);
      await until("the silent node listens", () => portOf() > 0, READY_MS);
      let opened = 0;
      for (let count = 0; count < 2 * LISTEN_QUEUE; count += 1) {
        const socket = connect(portOf(), "127.0.0.1", () => {
          opened += 1;
        });
        socket.on("error", () => {});
        waiting.push(socket);
      }
      // The system takes one more than the queue's length.
      await until("the queue of the silent node is full", () => opened > LISTEN_QUEUE, READY_MS);
      return `127.0.0.1:${portOf()}`;
    },
    end,
    async close() {
      for (const socket of waiting) socket.destroy();
      for (const fake of fakes) await fake.close();
      await children.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The settings of a real shop as a node of the edge. */
const NODE_ENV = {
  HOST: "127.0.0.1",
  PORT: "0",
  DEMO: "true",
  TRUST_PROXY: "loopback",
  RATE_LIMIT_MAX: "0",
  RATE_LIMIT_AUTH_MAX: "0",
  JWT_SECRET: "a secret of the tests that is long enough",
  LOG_SAMPLE: "0",
};

/** Chooses free ports for the listeners; `words` are the options that `nginx/generate` gets for them. */
function listen({ certificate, redirects = false, statusHost = "127.0.0.1" }: Listeners) {
  const [port, statusPort, tlsPort, redirectPort] = freePorts(4);
  const tlsUrl = certificate ? `https://127.0.0.1:${tlsPort}` : "";
  const redirectUrl = redirects ? `http://127.0.0.1:${redirectPort}` : "";
  const urls = {
    url: `http://127.0.0.1:${port}`,
    statusUrl: `http://127.0.0.1:${statusPort}`,
    tlsUrl,
    redirectUrl,
  };
  const words = ["--listen", `127.0.0.1:${port}`, "--status-listen", `${statusHost}:${statusPort}`];
  if (certificate)
    words.push(
      "--tls-listen",
      new URL(tlsUrl).host,
      "--tls-cert",
      certificate.cert,
      "--tls-key",
      certificate.key,
    );
  if (redirects) words.push("--redirect-listen", new URL(redirectUrl).host);
  return { urls, words };
}

/** Whether a program answers this path with 200. */
const answers = (url: string, path: string): Promise<boolean> =>
  request(url, { path }).then(
    ({ status }) => status === 200,
    () => false,
  );

/** The headers of the app's public responses. */
export const PUBLIC = {
  "cache-control": "public, max-age=0, s-maxage=1, stale-while-revalidate=1, stale-if-error=86400",
  "content-type": "application/json",
};

/** Starts a fake node; the test closes it. */
export function openFakeNode(answer: (request: Request) => Response | Promise<Response>): FakeNode {
  const received: ReceivedRequest[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 75,
    fetch(request) {
      const { method, url, headers } = request;
      received.push({ method, url: url.slice(url.indexOf("/", 8)), headers: Object.fromEntries(headers) });
      return answer(request);
    },
  });
  return { address: `127.0.0.1:${server.port}`, received, close: () => server.stop(true) };
}

/** Requests the path until its response comes out of the cache: NGINX stores it a moment after it was sent, and other workers see it then. */
export async function untilHit(edge: Edge, path: string): Promise<HttpResponse> {
  let response: HttpResponse | undefined;
  const isHit = async () => {
    response = await request(edge.url, { path });
    return response.headers["cache-status"] === "insole-edge; hit";
  };
  await until(`${path} is cached`, isHit);
  if (!response) throw new Error("there was no response");
  return response;
}

/** The process ids of NGINX's workers, without its cache manager and loader. */
export function workersOf({ child }: Edge): number[] {
  const lines = Bun.spawnSync(["ps", "-A", "-o", "ppid=,pid=,args="]).stdout.toString().split("\n");
  return lines
    .filter((line) => line.includes("nginx: worker process"))
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([parent, pid = 0]) => (parent === child.pid ? [pid] : []));
}

/** Runs a program of the repository; throws with its output unless its exit code is 0. */
async function runOrThrow(words: readonly string[]): Promise<void> {
  const { code, text } = await run(words);
  if (code !== 0) throw new Error(`exit code ${code}: ${words.join(" ")}\n${text}`);
}

/** Runs a program of the repository; returns its exit code and its output. */
export async function run(words: readonly string[]): Promise<{ code: number; text: string }> {
  const child = Bun.spawn([...words], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, text: out + err };
}

/** Other users cannot enter temporary folders: as root, the workers stay root. */
const asThisUser = (): string[] => (process.getuid?.() === 0 ? ["--user", "root"] : []);

/** Makes a self-signed certificate and its key. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const [cert, key] = [join(folder, "edge.crt"), join(folder, "edge.key")];
  await runOrThrow([
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-subj",
    "/CN=localhost",
    "-days",
    "1",
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  return { cert, key };
}
