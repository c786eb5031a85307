// A command as one would type it at the root of the repository: what differs each time is replaced by a name.
import { homedir } from "node:os";
import { basename } from "node:path";
import { CATALOGUES } from "./paths.ts";

/** What a command was started with; `env` is only what belongs to it. */
export type Typing = {
  program: readonly string[];
  env: Readonly<Record<string, string>>;
  cores: readonly number[] | null;
  /** The bench's own folder, and the repository that the command was started in. */
  folder: string;
  tree: string;
};

/** Where the system takes ports from that nobody asked for by number. */
const PORT_MIN = 32_768;
const PORT_MAX = 60_999;
const PORT_OPTION = /^(-p|--[\w-]*(port|listen)[\w-]*)$/i;
const UUID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
/** What the system adds to the name of a folder to make it new; a word in small letters is part of a name. */
const NEW_FOLDER = /-(?=[A-Za-z0-9]{6}(?:\/|\s|$))(?=[a-z]*[A-Z0-9])(?=\d*[A-Za-z])[A-Za-z0-9]{6}/g;

/** The command with its settings before it, quoted for a shell; ports are `PORT`, secrets `SECRET`, folders have short names. */
export function typed({ program, env, cores, folder, tree }: Typing): string {
  const plain = (word: string) => withoutSecrets(withoutFolders(word, folder, tree));
  const settings = Object.entries(env).map(
    ([name, value]) =>
      `${name}=${quoted(/PORT$/.test(name) && isNumber(value) ? "PORT" : withoutPorts(plain(value)))}`,
  );
  const [first = "", ...rest] = program;
  const name = first === process.execPath ? "bun" : first.startsWith("/") ? basename(first) : first;
  const words = rest.map((word, at) => (isPort(word, rest[at - 1]) ? "PORT" : withoutPorts(plain(word))));
  const pinned = cores === null ? [] : ["taskset", "-c", cores.join(",")];
  return [...settings, ...[...pinned, name, ...words].map(quoted)].join(" ");
}

/** What a program said, without the folders of this machine. */
export const plainText = (text: string, folder: string, tree: string): string =>
  text
    .split(" ")
    .map((word) => withoutPorts(withoutSecrets(withoutFolders(word, folder, tree))))
    .join(" ");

const isNumber = (word: string): boolean => /^\d+$/.test(word);

/** A number is a port when its option says so, or, without an option before it, by its size. */
function isPort(word: string, before = ""): boolean {
  if (!isNumber(word)) return false;
  if (before.startsWith("-")) return PORT_OPTION.test(before);
  return Number(word) >= PORT_MIN && Number(word) <= PORT_MAX;
}

const withoutPorts = (word: string): string =>
  word
    .replace(/((?:127\.0\.0\.1|localhost|\[::1\]):)\d+/g, "$1PORT")
    .replace(/^(--[\w-]*port=)\d+$/, "$1PORT")
    .replace(/\b\d{4,5}(?=\.sample\.json$)/, "PORT");

function withoutFolders(word: string, folder: string, tree: string): string {
  const own = word.includes(folder)
    ? word.replaceAll(`${folder}/`, "").replaceAll(folder, ".").replace(NEW_FOLDER, "")
    : word;
  return own
    .replace(new RegExp(`${CATALOGUES}/(\\d+)-[^/\\s]*?(\\.[a-z]+)?(?=/|\\s|$)`), kept)
    .replaceAll(`${tree}/`, "")
    .replaceAll(tree, ".")
    .replaceAll(`${homedir()}/`, "~/");
}

/** The short name of a kept catalogue, or of a file made out of one. */
const kept = (_: string, shoes: string, ending = ""): string =>
  ending === "" ? `catalogue-${shoes}` : `${shoes}${ending}`;

const withoutSecrets = (word: string): string =>
  word.replace(UUID, "SECRET").replace(/(Bearer )\S+/, "$1TOKEN");

const quoted = (word: string): string =>
  /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
