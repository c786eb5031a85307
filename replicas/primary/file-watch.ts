// Files that an operator or a command replaces while the primary runs.
import { statSync } from "node:fs";

/**
 * Looks at the files every `everyMs`, and calls back when one of them is another than before, once nothing has changed for
 * `calmLooks` further looks: files that belong together are seldom replaced in one moment. A missing file is as good as any.
 */
export function watchFiles(
  paths: readonly string[],
  { everyMs, calmLooks }: { everyMs: number; calmLooks: number },
  onChange: () => void,
): { close(): void } {
  const look = () => paths.map(markOf).join();
  let known = look();
  let [last, calm] = [known, 0];
  const timer = setInterval(() => {
    const now = look();
    calm = now === last ? calm + 1 : 0;
    last = now;
    if (now === known || calm < calmLooks) return;
    known = now;
    onChange();
  }, everyMs);
  return { close: () => clearInterval(timer) };
}

/** Changes with every write to the file, and with each file that takes its name. */
function markOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found ? [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(":") : "";
}
