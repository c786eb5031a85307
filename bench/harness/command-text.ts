// A command as one would type it at the root of the repository, with names for what differs on every run.
import { homedir } from "node:os";
import { basename } from "node:path";
import { CATALOGUES } from "./paths.ts";

/** The parts of a command; `env` holds only its own settings. */
export type CommandParts = {
  program: readonly string[];
  env: Readonly<Record<string, string>>;
  cores: readonly number[] | null;
} & Places;

/** The folders that commands name. */
export type Places = {
  /** The temporary folder of the bench, and the names of the new folders in it by their paths. */
  folder: string;
  folders: ReadonlyMap<string, string>;
  /** The repository in which the command was started. */
  tree: string;
};

const PORT_OPTION = /^(-p|--[\w-]*(port|listen)[\w-]*)$/i;
const UUID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;

/** Settings and command, quoted for a shell; ports are `PORT`, secrets `SECRET`, and folders have short names. */
export function commandText({ program, env, cores, ...places }: CommandParts): string {
  const plain = (word: string) => withoutSecrets(withoutFolders(word, places));
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
export const anonymised = (text: string, places: Places): string =>
  text
    .split(" ")
    .map((word) => withoutPorts(withoutSecrets(withoutFolders(word, places))))
    .join(" ");

const isNumber = (word: string): boolean => /^\d+$/.test(word);

/** A number is a port after an option of ports. */
const isPort = (word: string, before = ""): boolean => isNumber(word) && PORT_OPTION.test(before);

const withoutPorts = (word: string): string =>
  word
    .replace(/((?:127\.0\.0\.1|localhost|\[::1\]):)\d+/g, "$1PORT")
    .replace(/^(--[\w-]*port=)\d+$/, "$1PORT");

function withoutFolders(word: string, { folder, folders, tree }: Places): string {
  const named = [...folders].reduce((text, [path, name]) => text.replaceAll(path, name), word);
  return named
    .replaceAll(`${folder}/`, "")
    .replaceAll(folder, ".")
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
