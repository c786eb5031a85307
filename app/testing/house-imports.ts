// The house rules about imports: which folder may use which, which file of a room is for others, and no circles.
import { dirname, posix } from "node:path";
import { imports, type RepoFile } from "./house.ts";

const FOLDERS = ["app", "db", "replicas", "nginx", "bench"];
/** Folders of app that know no room; rooms and each other may use them. */
const GROUND = ["http", "cache", "identity", "limits", "ops"];
/** The sample room shows that a new room can be built within the rules. */
const ROOMS = [
  "shoes",
  "likes",
  "accounts",
  "orders",
  "mail",
  "pages",
  "pictures",
  "import",
  "testing/sample",
];
/** Files at the top of app that every folder of app may import; the others join the rooms. */
const SHARED_TOP = ["app/config.ts", "app/log.ts", "app/mail-settings.ts"];
const ENDS = ["app/main.ts", "app/server.ts", "app/openapi.ts"];
const COMMAND = /(^|[/-])command\.ts$/;

type Area = { top: string; room: string | null; ground: string | null };

/** Tests and what they share may import what they like. */
export const isTest = (path: string): boolean =>
  path.endsWith(".test.ts") || (path.includes("/testing/") && !path.includes("/testing/sample/"));

/** The file of a room that other rooms may import. */
export const nounFileOf = (room: string): string => `app/${room}/${posix.basename(room)}.ts`;

/** What is wrong with this import, in a sentence; empty when the house allows it. */
export function againstHouse(path: string, what: string): string[] {
  if (!what.startsWith(".") || isTest(path)) return [];
  const target = posix.join(dirname(path), what);
  const from = areaOf(path);
  const to = areaOf(target);
  if (!FOLDERS.includes(to.top) || from.top === "bench") return [];
  const isAllowed =
    from.top === "app" ? mayApp(path, from, target, to) : to.top === from.top || mayUnder(from, to);
  return isAllowed ? [] : [`it imports ${target}`];
}

function areaOf(path: string): Area {
  const [top = ""] = path.split("/");
  const inside = (folders: string[]) => folders.find((folder) => path.startsWith(`app/${folder}/`)) ?? null;
  return { top, room: inside(ROOMS), ground: inside(GROUND) };
}

/** db knows only itself, every other folder below app knows itself and db. */
const mayUnder = (from: Area, to: Area): boolean => from.top !== "db" && to.top === "db";

function mayApp(path: string, from: Area, target: string, to: Area): boolean {
  if (to.top === "db") return true;
  if (to.top === "replicas") return path === "app/main.ts" || path === "app/open.ts";
  if (to.top !== "app") return false;
  if (ENDS.includes(target)) return ENDS.includes(path) && target === "app/server.ts";
  const isTop = from.room === null && from.ground === null;
  if (isTop) return true;
  if (to.room !== null && to.room !== from.room) return from.room !== null && target === nounFileOf(to.room);
  if (to.room === null && to.ground === null)
    return (
      SHARED_TOP.includes(target) ||
      (target === "app/open.ts" && (COMMAND.test(path) || from.room === "import"))
    );
  return true;
}

/** The import circles among product files, each as its paths in order; types count too. */
export function circlesIn(files: readonly RepoFile[]): string[] {
  const known = new Set(files.map(({ path }) => path));
  const graph = new Map(
    files
      .filter(({ path }) => path.endsWith(".ts") && !isTest(path))
      .map((file) => [
        file.path,
        imports(file)
          .filter((what) => what.startsWith("."))
          .map((what) => posix.join(dirname(file.path), what))
          .filter((target) => known.has(target)),
      ]),
  );
  const circles: string[] = [];
  const state = new Map<string, "open" | "done">();
  const trail: string[] = [];
  const follow = (path: string): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    state.set(path, "open");
    trail.push(path);
    for (const target of graph.get(path) ?? []) follow(target);
    trail.pop();
    state.set(path, "done");
  };
  for (const path of graph.keys()) follow(path);
  return circles;
}
