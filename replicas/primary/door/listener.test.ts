// Where the door listens, with TLS too, and what it tells the operator's own machine.
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../db/ports.ts";
import { openTestDoor, type TestDoor } from "../../testing/door.ts";
import { openTestRooms, ROOM_STATUS } from "../../testing/rooms.ts";
import { isOfThisMachine, readAddress } from "./address.ts";
import { type Door, openDoor } from "./door.ts";
import type { DoorMessage } from "./messages.ts";

const doors: Door[] = [];
const listening = (listen: string, tls: Extract<DoorMessage, { kind: "open" }>["tls"] = null): Door => {
  const door = openDoor({ say() {}, rooms: openTestRooms });
  door.take({ kind: "open", listen, tls });
  doors.push(door);
  return door;
};
let opened: TestDoor | undefined;
afterEach(async () => {
  for (const door of doors.splice(0)) {
    door.take({ kind: "end" });
    await door.ended;
  }
  await opened?.remove();
  opened = undefined;
});

describe("the address", () => {
  test.each([
    ["10.0.0.5:8080", "10.0.0.5", 8080],
    ["[::1]:8080", "::1", 8080],
    ["[fd00::5]:1", "fd00::5", 1],
    ["primary.internal:65535", "primary.internal", 65_535],
  ])("%s is one", (text, hostname, port) => {
    expect(readAddress(text)).toEqual({ hostname, port });
  });
  test.each([
    "",
    "8080",
    ":8080",
    "::1:8080",
    "[::1]",
    "10.0.0.5",
    "10.0.0.5:",
    "10.0.0.5:65536",
    "a b:1",
    "[x]:1",
  ])("%p is none", (text) => {
    expect(() => readAddress(text)).toThrow(/^the door cannot listen on [^\n]+$/);
  });

  test("may be of IPv6, and is not shared with a second door", async () => {
    const port = freePort();
    const door = listening(`[::1]:${port}`);
    expect(door.url()).toBe(`http://[::1]:${port}`);
    expect((await fetch(`${door.url()}/health`)).status).toBe(503);
    expect(() => listening(`[::1]:${port}`)).toThrow(/in use/);
    expect((await fetch(`${door.url()}/health`)).status).toBe(503);
  });
});

test("TLS is served with the certificate that was given, and nothing without TLS at the same port", async () => {
  const { cert, key } = makeCertificate();
  opened = await openTestDoor({ tls: { cert, key }, rooms: openTestRooms });
  const ask = (url: string, tls?: { ca: string }) =>
    fetch(`${url}/info`, {
      headers: { "x-authorization": `Bearer ${opened?.readToken}` },
      ...(tls ? { tls } : {}),
    }).then(
      ({ status }) => status,
      () => 0,
    );
  expect(opened.url).toStartWith("https://");
  expect(await ask(opened.url, { ca: cert })).toBe(ROOM_STATUS);
  expect(await ask(opened.url)).toBe(0);
  expect(await ask(opened.url.replace("https", "http"))).toBe(0);
});

describe("before the supervisor has said everything", () => {
  test("nobody is let in", async () => {
    const door = listening("127.0.0.1:0");
    for (const path of ["/dataset", "/info"]) expect((await fetch(door.url() + path)).status).toBe(503);
  });
  test("an end is the end", async () => {
    const door = openDoor({ say() {}, rooms: openTestRooms });
    door.take({ kind: "end" });
    await door.ended;
    expect(() => door.url()).toThrow("is missing");
  });
});

describe("metrics", () => {
  test("count requests and refused tokens, beside the numbers of the rooms and of the process", async () => {
    opened = await openTestDoor({ rooms: openTestRooms });
    const { url, readToken } = opened;
    const ask = (path: string, token: string) =>
      fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
    await ask("/dataset", readToken);
    await ask("/dataset", readToken);
    await ask("/dataset", "garbage");
    await ask("/elsewhere", "garbage");
    const text = await (await fetch(`${url}/metrics`)).text();
    for (const line of [
      `insole_door_requests_total{route="/dataset",status="2xx"} 2`,
      `insole_door_requests_total{route="/dataset",status="4xx"} 1`,
      `insole_door_requests_total{route="none",status="4xx"} 1`,
      `insole_door_refused_tokens_total{reason="malformed"} 1`,
      "insole_door_test_rooms 1",
      "insole_door_open_requests 0",
    ])
      expect(text.split("\n")).toContain(line);
    expect(text).toMatch(/^insole_door_process_cpu_seconds_total \d/m);
    expect(Number(/^insole_door_process_resident_bytes (\S+)$/m.exec(text)?.[1])).toBeGreaterThan(1e6);
    expect(text).not.toContain(readToken);
  });

  test.each([
    ["127.0.0.1", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["10.0.0.5", true],
    ["::ffff:10.0.0.5", true],
    ["10.0.0.55", false],
    ["10.0.0.1", false],
    ["an unknown address", false],
  ])("for a client at %p at the machine with 10.0.0.5: %p", (address, isShown) => {
    const own = { address: "10.0.0.5", netmask: "", mac: "", internal: false, cidr: null } as const;
    expect(isOfThisMachine(address, { private: [{ ...own, family: "IPv4" }] })).toBe(isShown);
  });

  test("are shown to this machine only, and not through a proxy", async () => {
    opened = await openTestDoor({ rooms: openTestRooms });
    const { url, writeToken } = opened;
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${url}/metrics`, { headers })).status;
    expect(await status({})).toBe(200);
    for (const name of ["x-forwarded-for", "forwarded"])
      expect(await status({ [name]: "127.0.0.1", authorization: `Bearer ${writeToken}` })).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(404);
    const outside = addressOfThisMachine();
    if (outside === undefined) return;
    const door = listening("0.0.0.0:0");
    expect((await fetch(`http://${outside}:${new URL(door.url()).port}/metrics`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${new URL(door.url()).port}/metrics`)).status).toBe(200);
  });
});

/** A certificate for 127.0.0.1 that signs itself, and its key, as PEM. */
function makeCertificate(): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "insole-certificate-"));
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const names = ["-subj", "/CN=door", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", "key.pem", "-out", "cert.pem"];
  Bun.spawnSync(["openssl", "req", "-x509", ...kind, ...names, ...files], { cwd: folder });
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const made = { cert: read("cert.pem"), key: read("key.pem") };
  rmSync(folder, { recursive: true });
  return made;
}

/** An address of this machine that is not loopback, where it has one. */
function addressOfThisMachine(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}
