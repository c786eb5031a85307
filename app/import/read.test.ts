// Reading files: rows of every format are complete, in order, with their line numbers.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileBytes, readBatches } from "./read.ts";
import { csvBatches } from "./read-csv.ts";
import { createSplitter } from "./read-json.ts";
import type { SourceRow } from "./rows.ts";

const folder = mkdtempSync(join(tmpdir(), "insole-read-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function rowsOf(name: string, content: string | Uint8Array): Promise<SourceRow[]> {
  const path = join(folder, name);
  writeFileSync(path, content);
  const rows: SourceRow[] = [];
  for await (const batch of readBatches(path, () => {})) rows.push(...batch.rows);
  return rows;
}

const brief = (rows: SourceRow[]) =>
  rows.map(({ line, cells, fault }) => [line, fault ?? Object.values(cells).join("/")]);

describe("CSV", () => {
  const rows: [name: string, text: string, expected: [number, string][]][] = [
    [
      "plain",
      "a,b\n1,2\n3,4",
      [
        [2, "1/2"],
        [3, "3/4"],
      ],
    ],
    [
      "BOM and Windows line ends",
      '\ufeffa,b\r\n1,"2"\r\n\r\n3,4\r\n',
      [
        [2, "1/2"],
        [4, "3/4"],
      ],
    ],
    [
      "old line ends",
      "a,b\r1,2\r3,4\r",
      [
        [2, "1/2"],
        [3, "3/4"],
      ],
    ],
    ["semicolons", 'a;b\n1,5;"x;y"\n', [[2, "1,5/x;y"]]],
    ["tabs", "a\tb\n1\t2\n", [[2, "1/2"]]],
    [
      "quoted line ends",
      'a,b\n1,"x\ny ""z"""\n3,4\n',
      [
        [2, '1/x\ny "z"'],
        [4, "3/4"],
      ],
    ],
    [
      "too few and too many",
      "a,b\n1\n1,2,3\n3,4\n",
      [
        [2, "has 1 cells where the header has 2"],
        [3, "has 3 cells where the header has 2"],
        [4, "3/4"],
      ],
    ],
    [
      "a quote that never closes",
      'a,b\n1,"x\n3,4\n5,6\n',
      [
        [2, "a quote is not closed or not doubled"],
        [3, "3/4"],
        [4, "5/6"],
      ],
    ],
    [
      "a quote closed in the next row",
      'a,b\n1,"x\n3,"4"\n5,6\n',
      [
        [2, "a quote is not closed or not doubled"],
        [3, "3/4"],
        [4, "5/6"],
      ],
    ],
    [
      "a quote within a row",
      'a,b\n1,"x"y\n3,4\n',
      [
        [2, "a quote is not closed or not doubled"],
        [3, "3/4"],
      ],
    ],
  ];
  test.each(rows)("%s", async (_, text, expected) =>
    expect(brief(await rowsOf("x.csv", text))).toEqual(expected),
  );

  test("quotes that are never closed affect only their lines, and take little time", async () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, index) => `${index},"Name ${index} and a text of some length`,
    );
    const rows = await rowsOf("x.csv", `a,b\n${lines.join("\n")}\n1,2\n`);
    expect(rows.filter(({ fault }) => fault !== null)).toHaveLength(20_000);
    expect(rows.at(-1)).toEqual({ line: 20_002, cells: { a: "1", b: "2" }, fault: null });
  });

  test("a header with empty, repeated and dangerous names", async () => {
    const [row] = await rowsOf("x.csv", ",a,a,,__proto__\n0,1,2,3,4\n");
    expect(Object.keys(row!.cells)).toEqual(["", "a", "a (3)", "unnamed: 3", "__proto__ (5)"]);
  });

  test("rows do not depend on where the text is cut into pieces", async () => {
    const text = 'a,b\r\n1,"x, ""y""\r\nz"\r\n"2",3\r\n\r\n4,5';
    for (let index = 1; index < text.length; index++) {
      const rows: SourceRow[] = [];
      const pieces = (async function* () {
        yield text.slice(0, index);
        yield text.slice(index);
      })();
      for await (const batch of csvBatches(pieces)) rows.push(...batch.rows);
      expect(brief(rows)).toEqual([
        [2, '1/x, "y"\r\nz'],
        [4, "2/3"],
        [6, "4/5"],
      ]);
    }
  });
});

describe("JSON", () => {
  const rows: [name: string, text: string, expected: [number, string][]][] = [
    [
      "x.json",
      '[\n{"a":"x]}\\"","b":[1,{"c":2}]},\n{"a":"é"}\n]',
      [
        [2, 'x]}"/1,[object Object]'],
        [3, "é"],
      ],
    ],
    [
      "x.json",
      '{"total":2,"tags":["x"],"page":{"products":[1]},"products":[{"a":1},\n{"a":2}],"z":[{"a":3}]}',
      [
        [1, "1"],
        [2, "2"],
      ],
    ],
    ["x.json", "[]", []],
    ["x.json", '{"products":[]}', []],
    [
      "x.json",
      '[{"a":1},7,{"a":},{"a":2}]',
      [
        [1, "1"],
        [1, "is not an object"],
        [1, expect.stringContaining("is not JSON") as unknown as string],
        [1, "2"],
      ],
    ],
    [
      "x.json",
      '[{"a":1},\n{"a":',
      [
        [1, "1"],
        [2, "the file ends inside the array"],
      ],
    ],
    [
      "x.json",
      '{"a":1}\n{"a":2}\n',
      [
        [1, "1"],
        [2, "2"],
      ],
    ],
    ["x.json", '{"a":1,"sizes":[7]}', [[1, "1/7"]]],
    [
      "x.ndjson",
      '\ufeff{"a":1}\r\n\r\n[1]\n{"a"\n{"a":2}',
      [
        [1, "1"],
        [3, "is not an object"],
        [4, expect.stringContaining("is not JSON") as unknown as string],
        [5, "2"],
      ],
    ],
  ];
  test.each(rows)("%s %s", async (name, text, expected) =>
    expect(brief(await rowsOf(name, text))).toEqual(expected),
  );

  test("elements do not depend on where the text is cut into pieces", () => {
    const text = '{"n": [1, [2]], "shoes": [ {"a": "x\\\\\\"],}"}, \n {"a": [{"b": "]"}]} ] }';
    for (let index = 0; index <= text.length; index++) {
      const splitter = createSplitter();
      const rows = [text.slice(0, index), text.slice(index)].flatMap(splitter.push).concat(splitter.end());
      expect(rows).toEqual([
        { line: 1, cells: { a: 'x\\"],}' }, fault: null },
        { line: 2, cells: { a: [{ b: "]" }] }, fault: null },
      ]);
    }
  });

  test("a file without an array of objects is refused", () =>
    expect(rowsOf("x.json", '{"total":\n2}')).rejects.toThrow("contains no array of objects"));
});

describe("bytes", () => {
  test("a row with bytes that are not UTF-8 is refused, a genuine U+FFFD is text", async () => {
    const latin1 = Buffer.from("a\ncaf\xe9\n", "latin1");
    const rows = await rowsOf("x.csv", Buffer.concat([latin1, Buffer.from("caf\ufffd\nok\n")]));
    expect(brief(rows)).toEqual([
      [2, "has bytes that are not UTF-8"],
      [3, "caf\ufffd"],
      [4, "ok"],
    ]);
  });

  test("multi-byte characters survive the cut between two pieces", async () => {
    const text = `a\n${"é€😀x".repeat(120_000)}\n`;
    for (const shift of ["", "x", "xx", "xxx"]) {
      const [row] = await rowsOf("x.csv", text.replace("\n", `\n${shift}`));
      expect(row).toEqual({ line: 2, cells: { a: shift + "é€😀x".repeat(120_000) }, fault: null });
    }
  });

  test("UTF-16, empty and missing files are refused", async () => {
    await expect(rowsOf("x.csv", Buffer.from("\ufeffa,b", "utf16le"))).rejects.toThrow(
      "is encoded as UTF-16",
    );
    writeFileSync(join(folder, "empty.csv"), "");
    await expect(fileBytes(join(folder, "empty.csv"))).rejects.toThrow("it is empty");
    await expect(fileBytes(join(folder, "none.csv"))).rejects.toThrow("no such file");
  });
});
