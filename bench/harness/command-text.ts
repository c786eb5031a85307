// A command as one would type it at the root of the repository, with names for what differs on every run.
import { homedir } from "node:os";
import { basename } from "node:path";
import { CATALOGUES } from "./paths.ts";

/** The parts of a command; `env` holds only its own settings. */
export type CommandParts = {
  program: readonly string[];
  env: Readonly<Record<string, string>>;
  cores: readonly number[] | null;
  /** The temporary folder of the bench, and the repository in which the command was started. */
  folder: string;
  tree: string;
};

/** The range of Linux for ports that a program does not choose. */
const PORT_MIN = 32_768;
const PORT_MAX = 60_999;
const PORT_OPTION = /^(-p|--[\w-]*(port|listen)[\w-]*)$/i;
const UUID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
/** The suffix of a temporary folder; six small letters are a word of its name. */
const NEW_FOLDER = /-(?=[A-Za-z0-9]{6}(?:\/|\s|$))(?=[a-z]*[A-Z0-9])(?=\d*[A-Za-z])[A-Za-z0-9]{6}/g;

/** Settings and command, quoted for a shell; ports are `PORT`, secrets `SECRET`, and folders have short names. */
export function commandText({ program, env, cores, folder, tree }: CommandParts): string {
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

/** The output of a program without ports, secrets and folders of this machine. */
export const anonymised = (text: string, folder: string, tree: string): string =>
  text
    .split(" ")
    .map((word) => withoutPorts(withoutSecrets(withoutFolders(word, folder, tree))))
    .join(" ");

const isNumber = (word: string): boolean => /^\d+$/.test(word);

/** A number after an option is a port when the option is one of ports, any other number by its size. */
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
    .replace(new RegExp(`${CATALOGUES}/(\\d+)-[^/\\s]*?(\\.[a-z]+)?(?=/|\\s|$)`), shortName)
    .replaceAll(`${tree}/`, "")
    .replaceAll(tree, ".")
    .replaceAll(`${homedir()}/`, "~/");
}

/** The short name of a kept catalogue, or of a file made from one. */
const shortName = (_: string, shoes: string, ending = ""): string =>
  ending === "" ? `catalogue-${shoes}` : `${shoes}${ending}`;

const withoutSecrets = (word: string): string =>
  word.replace(UUID, "SECRET").replace(/(Bearer )\S+/, "$1TOKEN");

const quoted = (word: string): string =>
  /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
