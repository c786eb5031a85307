// Output that outlives a full disk and a closed pipe.
import { afterAll, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openOutput } from "./output.ts";

const root = mkdtempSync(join(tmpdir(), "insole-output-"));
afterAll(() => rmSync(root, { recursive: true }));

test("after an error lines go to the descriptor; those that it refuses are counted until it takes one", () => {
  const path = join(root, "log");
  const written: string[] = [];
  let fail = (): void => undefined;
  const closed = openSync(path, "w");
  closeSync(closed);
  const stream = {
    fd: closed,
    write: (text: string) => written.push(text),
    on: (_event: "error", listener: () => void) => {
      fail = listener;
    },
  };
  const regained: number[] = [];
  const out = openOutput(stream, (lines) => regained.push(lines));
  out("a");
  fail();
  out("b");
  out("c");
  stream.fd = openSync(path, "w");
  out("d");
  out("e");
  expect(written).toEqual(["a\n"]);
  expect(readFileSync(path, "utf8")).toBe("d\ne\n");
  expect(regained).toEqual([3]);
  closeSync(stream.fd);
});

test.each([
  ["a full disk", '"$@" > /dev/full; echo $? >&2'],
  ["a closed pipe", '{ "$@"; echo $? >&2; } | true'],
])("a program that writes to %s goes on", async (_name, script) => {
  const code = `
    import { openOutput } from ${JSON.stringify(join(import.meta.dir, "output.ts"))};
    const out = openOutput(process.stdout);
    for (let line = 0; line < 20; line += 1) {
      out("line " + line);
      await Bun.sleep(5);
    }
    process.stderr.write("the end ");`;
  const child = Bun.spawn(["sh", "-c", script, "sh", process.execPath, "-e", code], { stderr: "pipe" });
  expect(await new Response(child.stderr).text()).toBe("the end 0\n");
  await child.exited;
});
