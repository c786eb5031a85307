// Another version of the shop, unpacked into a temporary folder.
import { readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Children } from "./children.ts";
import { commitOf } from "./setting.ts";

const UNPACK_MS_MAX = 60_000;
const INSTALL_MS_MAX = 10 * 60_000;

/** A version of the shop; `children` starts its commands instead of those of this version. */
export type Tree = { ref: string; commit: string; children: Children };

/**
 * Unpacks a commit, a branch or a tag, with the packages of its own lock file. Throws one sentence when there is no such
 * version, or when it cannot be installed.
 */
export async function openTree(ref: string, children: Children, log: (line: string) => void): Promise<Tree> {
  const commit = commitOf(ref);
  if (commit === null) throw new Error(`${ref} is no commit, branch or tag of this repository`);
  log(`unpacking ${ref} (${commit})`);
  const folder = children.makeFolder("tree");
  const archive = `${folder}.tar`;
  for (const program of [
    ["git", "archive", "--format=tar", "--output", archive, commit],
    ["tar", "-xf", archive, "-C", folder],
  ])
    await children.expectEnd(children.run(program, { cores: null, isHarness: true }), UNPACK_MS_MAX);
  rmSync(archive);
  const other = children.at(folder);
  await installPackages(other, children.tree, log);
  return { ref, commit, children: other };
}

/** Links the packages of this version where the lock file is the same. */
async function installPackages(other: Children, own: string, log: (line: string) => void): Promise<void> {
  const lockOf = (tree: string) => readFileSync(join(tree, "bun.lock"), "utf8");
  if (lockOf(own) === lockOf(other.tree)) {
    symlinkSync(join(own, "node_modules"), join(other.tree, "node_modules"));
    return;
  }
  log("installing its packages");
  const install = [process.execPath, "install", "--frozen-lockfile", "--no-summary"];
  await other.expectEnd(other.run(install, { cores: null, isHarness: true }), INSTALL_MS_MAX);
}
