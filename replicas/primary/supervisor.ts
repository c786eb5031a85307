// Runs a primary: sqld on loopback and the door in front of it, which is told the keys and each life of sqld.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../db/message.ts";
import { type CertificateFiles, readCertificate } from "./certificate.ts";
import type { Children } from "./children.ts";
import { databaseFile, type Folders } from "./dataset.ts";
import type { SqldLife } from "./door/messages.ts";
import { DOOR_PROGRAM, type DoorKeys, type DoorProcess, openDoorProcess, urlOf } from "./door-process.ts";
import { watchFiles } from "./file-watch.ts";
import { PRIVATE_FILE, PUBLIC_FILE, publicKeysIn, REVOKED_FILE, readKeys } from "./keys.ts";
import { endLeftovers, forgetPids } from "./leftovers.ts";
import { lockFolder } from "./lock.ts";
import { revokedIds } from "./revoked.ts";
import { openSqldProcess, type SqldProcess, type SqldState } from "./sqld-process.ts";
import { TIMINGS, type Timings } from "./timings.ts";
import { ownFolder, type Users } from "./users.ts";

/** A supervised primary; the door listens on `listen`, which is `host:port`. */
type PrimaryOptions = Folders & {
  listen: string;
  /** The certificate of the door; without one it speaks plain HTTP. */
  tls?: CertificateFiles | undefined;
  /** The users of sqld and the door; without them both run as that of this process. */
  users?: Users | undefined;
  children: Children;
  say(line: string): void;
  timings?: Partial<Timings>;
  /** Another program in place of the door, for tests. */
  doorProgram?: readonly string[];
};

export type Primary = {
  /** The address of the door. */
  url: string;
  /** The pid of sqld; undefined while it does not run. */
  pid(): number | undefined;
  /** The pid of the door; undefined while it does not listen. */
  door(): number | undefined;
  /** The state of sqld. */
  state(): SqldState;
  /** The address and tokens of sqld behind the door, for tests; undefined while it does not run. */
  life(): SqldLife | undefined;
  /** Resolves when the primary can write and the door listens for the first time; rejects when it ends before. */
  ready: Promise<void>;
  /** Resolves when the primary is stopped; rejects with one sentence when sqld may not be started again. */
  ended: Promise<void>;
  /** Kills sqld, which is then restarted. */
  kill(): void;
  /** Kills the door, which is then restarted; sqld runs on. */
  killDoor(): void;
  /** Freezes sqld without restarting it. */
  pause(): void;
  resume(): void;
  /** Ends the door and then sqld, both in order: what is under way is finished, and the log stays. Never rejects. */
  stop(): Promise<void>;
};

/** A certificate and its key are seldom replaced in one moment. */
const CALM_LOOKS = 1;

/** Starts a primary and keeps it running. Throws one sentence when the data folder is in use or the certificate cannot be used. */
export function openPrimary(options: PrimaryOptions): Primary {
  const { data, listen } = options;
  const read = options.tls && readCertificate(options.tls, Date.now());
  if (read?.warning) options.say(read.warning);
  const tls = read?.tls ?? null;
  const lock = lockFolder(data);
  if (!lock) throw new Error(`${data} is in use: a primary runs on it already`);
  const isUp = Promise.withResolvers<void>();
  const timings = { ...TIMINGS, ...options.timings };
  const shared = { data, children: options.children, say: options.say, timings };
  const door = openDoorProcess({
    ...shared,
    listen,
    tls,
    user: options.users?.door,
    program: options.doorProgram ?? DOOR_PROGRAM,
  });
  const sqld = openSqldProcess({
    ...shared,
    keys: options.keys,
    user: options.users?.sqld,
    onStart: door.start,
    onUp(life) {
      door.sqld(life);
      isUp.resolve();
    },
    onGone: door.gone,
  });
  const ended = run(sqld, door, options, timings).finally(lock.release);
  const ready = Promise.withResolvers<void>();
  Promise.all([isUp.promise, door.ready]).then(() => ready.resolve());
  // There will be no first answer any more.
  ended.then(
    () => ready.reject(new Error("the primary was stopped before it answered")),
    (thrown) => ready.reject(thrown),
  );
  ready.promise.catch(() => {});

  return {
    url: urlOf(listen, tls),
    pid: sqld.pid,
    door: door.pid,
    state: sqld.state,
    life: sqld.life,
    ready: ready.promise,
    ended,
    kill: sqld.kill,
    killDoor: door.kill,
    pause: sqld.pause,
    resume: sqld.resume,
    async stop() {
      // What is under way at the door needs sqld.
      sqld.resume();
      await door.stop();
      await sqld.stop();
      await ended.catch(() => {});
    },
  };
}

/** Runs both until they are stopped. Rejects when sqld or the door may not be started again; both have ended then too. */
async function run(
  sqld: SqldProcess,
  door: DoorProcess,
  { data, keys, users, tls, say }: PrimaryOptions,
  timings: Timings,
): Promise<void> {
  await endLeftovers(data);
  if (existsSync(databaseFile(data))) ownFolder(data, users?.sqld);
  const watches: { close(): void }[] = [];
  try {
    const { datasetId } = readKeys(keys);
    watches.push(watchKeys(keys, datasetId, door, timings));
    if (tls) watches.push(watchCertificate(tls, door, timings, say));
    door.keys(readDoorKeys(keys));
    sqld.start();
    await Promise.race([sqld.ended, door.ended.then(() => sqld.ended)]);
  } finally {
    for (const each of watches) each.close();
    await door.stop();
    await sqld.stop();
    forgetPids(data);
  }
}

/** What the door must know of the keys' folder. Throws one sentence when the folder is not whole. */
function readDoorKeys(folder: string): DoorKeys {
  const { datasetId, accepted } = readKeys(folder);
  const revoked = revokedIds(folder, Date.now());
  return { kind: "keys", datasetId, publicKeys: publicKeysIn(accepted), revoked };
}

function watchKeys(
  folder: string,
  datasetId: string,
  door: DoorProcess,
  { keysEveryMs }: Timings,
): { close(): void } {
  const paths = [PRIVATE_FILE, PUBLIC_FILE, REVOKED_FILE].map((name) => join(folder, name));
  return watchFiles(paths, { everyMs: keysEveryMs, calmLooks: 0 }, () => {
    try {
      const keys = readDoorKeys(folder);
      if (keys.datasetId === datasetId) door.keys(keys);
    } catch {
      // Half a folder is no reason to change a primary that runs; its next start says what is wrong.
    }
  });
}

function watchCertificate(
  files: CertificateFiles,
  door: DoorProcess,
  { certificateEveryMs }: Timings,
  say: (line: string) => void,
): { close(): void } {
  const looks = { everyMs: certificateEveryMs, calmLooks: CALM_LOOKS };
  return watchFiles([files.cert, files.key], looks, () => {
    try {
      const { tls, warning } = readCertificate(files, Date.now());
      if (warning) say(warning);
      door.renew(tls);
    } catch (thrown) {
      say(`${messageOf(thrown)}: the door keeps the certificate that it has`);
    }
  });
}
