// Real edges for tests: NGINX with the shipped configuration on free ports, before real shops or fake nodes.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, freePorts } from "../../db/ports.ts";
import { until } from "../../db/until.ts";
import { request } from "../rows/client.ts";

const ROOT = join(import.meta.dir, "../..");
const READY_MS = 20_000;
const END_MS = 5_000;

/** A running program. */
type Child = ReturnType<typeof Bun.spawn>;

/** A real shop on one file. */
type Node = { address: string; url: string; child: Child };

/** A running NGINX and the folder that was generated for it. */
export type Edge = {
  url: string;
  statusUrl: string;
  folder: string;
  child: Child;
  generate(nodes: readonly string[]): Promise<void>;
  reload(): Promise<void>;
};

/** A request that a fake node has received. */
type ReceivedRequest = { method: string; url: string; headers: Record<string, string> };

/** A node whose responses a test chooses; `received` keeps every request. */
export type FakeNode = { address: string; received: ReceivedRequest[]; close(): Promise<void> };

/** The programs that one test file starts. */
type Programs = {
  folder: string;
  bootNodes(count: number): Promise<Node[]>;
  /** `options` go to `nginx/generate`. */
  bootEdge(nodes: readonly string[], options?: readonly string[]): Promise<Edge>;
  close(): Promise<void>;
};

/** Starts programs found on this `PATH`; `close` ends them and removes their folder. */
export function openPrograms(pathOfPrograms: string): Programs {
  const folder = mkdtempSync(join(tmpdir(), "insole-edge-"));
  const children = new Set<Child>();
  let made = 0;
  const run = (words: string[], env: Record<string, string>): Child => {
    const child = Bun.spawn(words, {
      cwd: ROOT,
      env: { PATH: pathOfPrograms, HOME: folder, ...env },
      stdio: ["ignore", "ignore", "inherit"],
    });
    children.add(child);
    return child;
  };

  const bootNode = async (dataDir: string): Promise<Node> => {
    const port = freePort();
    const env = {
      DATA_DIR: dataDir,
      HOST: "127.0.0.1",
      PORT: String(port),
      DEMO: "true",
      TRUST_PROXY: "loopback",
      RATE_LIMIT_MAX: "0",
      RATE_LIMIT_AUTH_MAX: "0",
      JWT_SECRET: "a secret of the tests that is long enough",
      LOG_SAMPLE: "0",
      LOG_LEVEL: "error",
    };
    const child = run([process.execPath, "app/main.ts"], env);
    const url = `http://127.0.0.1:${port}`;
    await untilReady("the node", url, "/readyz");
    return { address: `127.0.0.1:${port}`, url, child };
  };

  const bootEdge = async (nodes: readonly string[], options: readonly string[] = []): Promise<Edge> => {
    made += 1;
    const out = join(folder, `edge-${made}`);
    const [port, statusPort] = freePorts(2);
    const nodesPath = join(folder, `nodes-${made}.txt`);
    const generate = async (addresses: readonly string[]): Promise<void> => {
      writeFileSync(nodesPath, `# for a test\n${addresses.join("\n")}\n`);
      await runOrThrow([
        "nginx/generate",
        "--out",
        out,
        "--nodes",
        nodesPath,
        "--listen",
        `127.0.0.1:${port}`,
        "--status-listen",
        `127.0.0.1:${statusPort}`,
        ...asThisUser(),
        ...options,
      ]);
    };
    await generate(nodes);
    const program = Bun.which("nginx", { PATH: pathOfPrograms }) ?? "nginx";
    const nginx = [program, "-p", out, "-c", join(out, "nginx.conf")];
    const child = run([...nginx, "-g", "daemon off;"], {});
    const url = `http://127.0.0.1:${port}`;
    const statusUrl = `http://127.0.0.1:${statusPort}`;
    await untilReady("NGINX", statusUrl, "/status");
    return {
      url,
      statusUrl,
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
      return Promise.all(dirs.map(bootNode));
    },
    async close() {
      await Promise.all([...children].map((child) => end(child)));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

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

/** Ends a child; kills it when it does not end in time. */
export async function end(child: Child, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  const killing = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await child.exited;
  clearTimeout(killing);
}

/** Waits for the first 200; until then the program may not listen. */
async function untilReady(what: string, url: string, path: string): Promise<void> {
  const isReady = () =>
    request(url, { path }).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(`${what} answers`, isReady, READY_MS);
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
export async function makeCertificate(folder: string): Promise<{ cert: string; key: string }> {
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
