// Another version of the shop, in a folder of its own that goes with the bench.
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Children } from "./children.ts";
import { commitOf } from "./setting.ts";

const UNPACK_MS_MAX = 60_000;
const INSTALL_MS_MAX = 10 * 60_000;

/** A version; `children` starts its shop instead of this one. */
export type Tree = { ref: string; commit: string; children: Children };

/**
 * Unpacks a commit, a branch or a tag, with the packages of its own lock file. Throws a sentence when there is no such
 * version or it cannot be installed.
 */
export async function openTree(ref: string, children: Children, say: (line: string) => void): Promise<Tree> {
  const commit = commitOf(ref);
  if (commit === null)
    throw new Error(`${ref} is no version of this repository: name a commit, a branch or a tag`);
  say(`unpacking ${ref} (${commit})`);
  const folder = mkdtempSync(join(children.folder, "tree-"));
  const archive = `${folder}.tar`;
  for (const program of [
    ["git", "archive", "--format=tar", "--output", archive, commit],
    ["tar", "-xf", archive, "-C", folder],
  ])
    await children.expectEnd(children.run(program, { cores: null, isOurs: true }), UNPACK_MS_MAX);
  rmSync(archive);
  const there = children.at(folder);
  await installPackages(there, children.tree, say);
  return { ref, commit, children: there };
}

/** The same lock file is the same packages, so those that are here will do. */
async function installPackages(there: Children, here: string, say: (line: string) => void): Promise<void> {
  const [own, other] = [here, there.tree].map((tree) => readFileSync(join(tree, "bun.lock"), "utf8"));
  if (own === other) {
    symlinkSync(join(here, "node_modules"), join(there.tree, "node_modules"));
    return;
  }
  say("installing its packages");
  const install = [process.execPath, "install", "--frozen-lockfile", "--no-summary"];
  await there.expectEnd(there.run(install, { cores: null, isOurs: true }), INSTALL_MS_MAX);
}
