// A primary's door for tests: a real server behind it, tokens by keys that exist only in memory, and the server's lives.
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../db/must.ts";
import { freePort } from "../../db/ports.ts";
import { migratedTemplate, openTestServer, type TestServer } from "../../db/testing/server.ts";
import { until } from "../../db/until.ts";
import { type DoorTimings, openDoor } from "../primary/door/door.ts";
import { linesOf } from "../primary/door/inbox.ts";
import { type DoorMessage, LISTENING, type Tls } from "../primary/door/messages.ts";
import type { RoomDeps, Rooms } from "../primary/door/rooms.ts";

const DOOR_PROGRAM = join(import.meta.dir, "../primary/door/command.ts");
const HOUR_SECONDS = 3_600;
const ID_CHARACTERS = 32;

type TestDoorOptions = {
  /** The migrated file that the server begins with; without one it is a new dataset. */
  template?: string;
  port?: number;
  tls?: Tls;
  /** In a process of its own, as at a primary, so that it can be killed; then the options below have no effect. */
  isProcess?: boolean;
  rooms?: (deps: RoomDeps) => Rooms;
  timings?: Partial<DoorTimings>;
  now?: () => number;
};

export type TestDoor = {
  url: string;
  writeToken: string;
  readToken: string;
  /** Signs a token; claims given here replace those of a writing token that ends in an hour. */
  token(claims?: Record<string, unknown>): string;
  /** The key by which the door checks tokens. */
  publicPem: string;
  /** The dataset that tokens name here, which is the server's own. */
  datasetId: string;
  server: TestServer;
  /** The token by which the door itself asks the server. */
  serverToken(): string;
  /** Sends the door a message of the supervisor. */
  take(message: DoorMessage): void;
  /** Refuses these tokens, and no others, from now on. */
  revoke(...tokens: string[]): void;
  /** What the operator was told. */
  lines: string[];
  /** Ends the server, at once by default, and tells the door. */
  stopServer(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Starts the server anew, with new keys, and tells the door. */
  startServer(): Promise<void>;
  /** Kills the door's process, and starts another on the same port. */
  killDoor(): Promise<void>;
  startDoor(): Promise<void>;
  /** Ends both and removes the server's files. */
  remove(): Promise<void>;
};

/** An Ed25519 key pair that signs tokens. */
export type Signer = { publicPem: string; sign(claims: object, header?: object): string };

/** Makes a key pair. */
export function openSigner(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    publicPem: String(publicKey.export({ type: "spki", format: "pem" })),
    sign: (claims, header = { alg: "EdDSA", typ: "JWT" }) => signWith(privateKey, claims, header),
  };
}

function signWith(key: KeyObject, claims: object, header: object): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
}

/** Starts a server and a door before it, which has the server's keys and knows that it is up. */
export async function openTestDoor(options: TestDoorOptions = {}): Promise<TestDoor> {
  const folder = mkdtempSync(join(tmpdir(), "insole-door-"));
  const keyPath = join(folder, "public.pem");
  let life = openSigner();
  writeFileSync(keyPath, life.publicPem);
  const template = options.template ?? migratedTemplate(folder);
  const server = await openTestServer(template, ["--auth-jwt-key-file", keyPath]);
  const inner = (a: "rw" | "ro") => life.sign({ a, exp: Math.floor(Date.now() / 1_000) + HOUR_SECONDS });
  const datasetId = await datasetOf(server.url, inner("ro"));

  const signer = openSigner();
  const token: TestDoor["token"] = (claims = {}) => {
    const iat = Math.floor((options.now?.() ?? Date.now()) / 1_000);
    return signer.sign({ a: "rw", dataset: datasetId, iat, exp: iat + HOUR_SECONDS, ...claims });
  };
  const lines: string[] = [];
  const listen = `127.0.0.1:${options.port ?? freePort()}`;
  let door = await startDoor({ ...options, lines, listen });
  let revoked: string[] = [];
  let isUp = true;
  const tellKeys = () =>
    door.take({ kind: "keys", datasetId, publicKeys: [signer.publicPem], revoked: revoked.map(idOfToken) });
  const tellLife = () =>
    door.take({ kind: "sqld", url: server.url, writeToken: inner("rw"), readToken: inner("ro") });
  tellKeys();
  tellLife();

  return {
    url: door.url,
    writeToken: token(),
    readToken: token({ a: "ro" }),
    token,
    publicPem: signer.publicPem,
    datasetId,
    server,
    serverToken: () => inner("rw"),
    take: (message) => door.take(message),
    revoke(...tokens) {
      revoked = tokens;
      tellKeys();
    },
    lines,
    async stopServer(signal = "SIGKILL") {
      await server.stop(signal);
      isUp = false;
      door.take({ kind: "gone" });
    },
    async startServer() {
      life = openSigner();
      writeFileSync(keyPath, life.publicPem);
      await server.start();
      isUp = true;
      tellLife();
    },
    killDoor: () => door.kill(),
    async startDoor() {
      door = await startDoor({ ...options, lines, listen });
      tellKeys();
      if (isUp) tellLife();
    },
    async remove() {
      await door.end();
      await server.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type RunningDoor = {
  url: string;
  take(message: DoorMessage): void;
  kill(): Promise<void>;
  end(): Promise<void>;
};
type StartOptions = TestDoorOptions & { lines: string[]; listen: string };

async function startDoor({ lines, listen, tls, isProcess, ...options }: StartOptions): Promise<RunningDoor> {
  const opening: DoorMessage = { kind: "open", listen, tls: tls ?? null };
  if (isProcess) return await startProcess(opening, lines);
  const door = openDoor({ say: (line) => lines.push(line), ...options });
  door.take(opening);
  const end = async () => {
    door.take({ kind: "end" });
    await door.ended;
  };
  return { url: door.url(), take: door.take, kill: end, end };
}

async function startProcess(
  opening: Extract<DoorMessage, { kind: "open" }>,
  lines: string[],
): Promise<RunningDoor> {
  const child = Bun.spawn([process.execPath, DOOR_PROGRAM], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  for (const stream of [child.stdout, child.stderr])
    void (async () => {
      for await (const line of linesOf(stream)) lines.push(line);
    })();
  const take = (message: DoorMessage) => {
    child.stdin.write(`${JSON.stringify(message)}\n`);
    child.stdin.flush();
  };
  const from = lines.length;
  take(opening);
  await until("the door listens", () => {
    if (child.exitCode !== null) throw new Error(`the door ended: ${lines.slice(from).join("\n")}`);
    return lines.slice(from).includes(LISTENING);
  });
  return {
    url: `${opening.tls ? "https" : "http"}://${opening.listen}`,
    take,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
    async end() {
      if (child.exitCode === null && child.signalCode === null) take({ kind: "end" });
      await child.exited;
    },
  };
}

/** The id by which a token is revoked. */
function idOfToken(token: string): string {
  const [head = "", claims = ""] = token.split(".");
  const { jti } = JSON.parse(Buffer.from(claims, "base64url").toString());
  return jti ?? createHash("sha256").update(`${head}.${claims}`).digest("hex").slice(0, ID_CHARACTERS);
}

async function datasetOf(url: string, token: string): Promise<string> {
  const response = await fetch(`${url}/v2/pipeline`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({
      requests: [{ type: "execute", stmt: { sql: "SELECT id FROM dataset" } }, { type: "close" }],
    }),
  });
  const { results } = (await response.json()) as {
    results: { response?: { result: { rows: { value: string }[][] } } }[];
  };
  return must(results[0]?.response?.result.rows[0]?.[0], "the dataset's id").value;
}
