// CPU time, memory and cores out of the texts of /proc.
import { describe, expect, test } from "bun:test";
import {
  memoryOf,
  parseCores,
  parseCpuUs,
  parseMemory,
  parseProcess,
  parseShareMib,
  shareMib,
} from "./proc.ts";

describe("/proc", () => {
  test("CPU time, also of a program with brackets and spaces in its name", () => {
    const fields = ["S", ...Array.from({ length: 10 }, () => "7"), "120", "30", "9"];
    expect(parseCpuUs(`42 (a) b (c) ${fields.join(" ")}`)).toBe(1_500_000);
    expect(() => parseCpuUs("42 (a) S")).toThrow("no CPU time");
  });
  test("memory", () => {
    expect(parseMemory("VmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n")).toEqual({ nowMib: 1, peakMib: 2 });
    expect(() => parseMemory("VmRSS:\t  1024 kB\n")).toThrow("VmHWM");
  });
  test("a process, its parent and its name", () => {
    expect(parseProcess("42 (a) b (c) S 7 42 42")).toEqual({ pid: 42, parent: 7, name: "a) b (c" });
  });
  test("the proportional set size of a process", () => {
    expect(parseShareMib("Rss:  4096 kB\nPss:   1024 kB\nPss_Dirty:  512 kB\n")).toBe(1);
    expect(() => parseShareMib("Rss: 4096 kB\n")).toThrow("no Pss");
    expect(shareMib(process.pid)).toBeLessThanOrEqual(memoryOf(process.pid).peakMib);
  });
  test("cores", () => {
    expect(parseCores("0-2,5")).toEqual([0, 1, 2, 5]);
  });
});
