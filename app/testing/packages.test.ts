// The steps of `.ci/run` about packages: the SBOM lists what is installed, and the audit fails only where an update helps.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Folder, openFolder } from "./shop.ts";

const ROOT = join(import.meta.dir, "../..");
const PACKAGE = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** Runs a step of `.ci`. */
async function step(name: string, args: string[], settings: Record<string, string> = {}) {
  const child = Bun.spawn([join(ROOT, ".ci", name), ...args], {
    env: { ...process.env, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

describe("the SBOM", () => {
  let folder: Folder;
  beforeAll(() => {
    folder = openFolder();
  });
  afterAll(() => folder.remove());

  test("is CycloneDX with every package of package.json in its version, and names no registry", async () => {
    const path = join(folder.path, "below", "sbom.json");
    const { out, code } = await step("sbom", [path]);
    const text = readFileSync(path, "utf8");
    const { bomFormat, specVersion, components } = JSON.parse(text);
    expect({ out, code, bomFormat }).toEqual({
      out: `${path} lists ${components.length} packages\n`,
      code: 0,
      bomFormat: "CycloneDX",
    });
    expect(Number(specVersion)).toBeGreaterThanOrEqual(1.5);
    const listed = (components as { purl: string }[]).map(({ purl }) => decodeURIComponent(purl));
    const pinned = Object.entries<string>({ ...PACKAGE.dependencies, ...PACKAGE.devDependencies });
    const expected = pinned.map(
      ([name, version]) => `pkg:npm/${version.startsWith("npm:") ? version.slice(4) : `${name}@${version}`}`,
    );
    expect(listed).toEqual(expect.arrayContaining(expected));
    expect(text).not.toMatch(/registry\.|\.tgz/);
  });
});

type Registry = { vulnerable: Record<string, string>; published: Record<string, string[]> };

/** A registry that knows vulnerable versions and published ones. */
async function withRegistry<T>(
  { vulnerable, published }: Registry,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch({ url, method }) {
      const name = decodeURIComponent(new URL(url).pathname.slice(1));
      if (method === "POST") return Response.json(advisoriesOf(vulnerable));
      const versions = published[name] ?? [];
      return Response.json({
        name,
        "dist-tags": { latest: versions.at(-1) },
        versions: Object.fromEntries(versions.map((version) => [version, { name, version, dist: {} }])),
      });
    },
  });
  try {
    return await work(server.url.href);
  } finally {
    await server.stop(true);
  }
}

const advisoriesOf = (vulnerable: Registry["vulnerable"]) =>
  Object.fromEntries(
    Object.entries(vulnerable).map(([name, range]) => [
      name,
      [
        {
          id: 1,
          url: `https://github.com/advisories/GHSA-${name}`,
          title: "a vulnerability",
          severity: "high",
          vulnerable_versions: range,
        },
      ],
    ]),
  );

const audit = (registry: Registry) =>
  withRegistry(registry, (url) => step("audit", [], { NPM_CONFIG_REGISTRY: url, npm_config_registry: url }));

describe("the audit", () => {
  const pinned: string = PACKAGE.dependencies["lru-cache"];
  const [major = 0, minor = 0, patch = 0] = pinned.split(".").map(Number);
  const vulnerable = { "lru-cache": `<=${pinned}` };

  test("passes where nothing is known", async () => {
    const { out, code } = await audit({ vulnerable: {}, published: {} });
    expect(out).toContain("No vulnerabilities found");
    expect(code).toBe(0);
  });

  test("reports what no version fixes, and passes", async () => {
    const { out, code } = await audit({ vulnerable, published: { "lru-cache": [pinned] } });
    expect(out).toContain(`lru-cache@${pinned}  GHSA-lru-cache`);
    expect(code).toBe(0);
  });

  test("reports what only another major version fixes, and passes", async () => {
    const next = `${major + 1}.0.0`;
    const { out, code } = await audit({ vulnerable, published: { "lru-cache": [pinned, next] } });
    expect(out).toContain(`lru-cache ${pinned} -> ${next}`);
    expect(code).toBe(0);
  });

  test("fails where a fixed version can be pinned", async () => {
    const next = `${major}.${minor}.${patch + 1}`;
    const { out, code } = await audit({ vulnerable, published: { "lru-cache": [pinned, next] } });
    expect(out).toContain(`package.json: ${pinned} -> ${next}`);
    expect(code).toBe(1);
    expect(readFileSync(join(ROOT, "package.json"), "utf8")).toContain(`"lru-cache": "${pinned}"`);
  });

  test("says so where the registry gives no advisories, without its address, and passes", async () => {
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("no", { status: 405 }),
    });
    const url = server.url.href;
    const { out, code } = await step("audit", [], { NPM_CONFIG_REGISTRY: url, npm_config_registry: url });
    await server.stop(true);
    expect(out).toBe("not audited: the registry gave no advisories\nerror: POST the registry - 405\n");
    expect(code).toBe(0);
  });
});
