// Secrets in the address of a request: the access log has none of them, and leaves other queries whole.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { until } from "../db/until.ts";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { request } from "./rows/client.ts";
import { type Edge, openPrograms, PUBLIC } from "./testing/edge.ts";

const SECRET = "hunter2hunter2";
const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
const RANDOM = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6kM9nR2u";

/** Each has the secret, the JWT or the random bits in it. */
const SECRETS = [
  `/livez?token=${SECRET}`,
  `/livez?TOKEN=${SECRET}`,
  `/livez?access_token=${SECRET}`,
  `/livez?a=1&refreshToken=${SECRET}&b=2`,
  `/livez?authorization=${SECRET}`,
  `/livez?X-Auth=${SECRET}`,
  `/livez?password=${SECRET}`,
  `/livez?currentPassword=${SECRET}`,
  `/livez?passwd=${SECRET}`,
  `/livez?user[pwd]=${SECRET}`,
  `/livez?client_secret=${SECRET}`,
  `/livez?session=${SECRET}`,
  `/livez?sessionId=${SECRET}`,
  `/livez?credentials=${SECRET}`,
  `/livez?api_key=${SECRET}`,
  `/livez?api-key=${SECRET}`,
  `/livez?apiKey=${SECRET}`,
  `/livez?key=${SECRET}`,
  `/livez?jwt=${SECRET}`,
  `/livez?sig=${SECRET}`,
  `/livez?X-Amz-Signature=${SECRET}`,
  `/livez?a;code=${SECRET}`,
  `/livez?%74oken=${SECRET}`,
  `/livez?%2574oken=${SECRET}`,
  `/livez?t%6Fken=${SECRET}`,
  `/livez?next=/a?token=${SECRET}`,
  `/livez?next=%2Fa%3Ftoken%3D${SECRET}`,
  `/livez?next=%2Fa%3F%74oken%3D${SECRET}`,
  `/livez?body={"password":"${SECRET}"}`,
  `/livez#token=${SECRET}`,
  `/livez?a#access_token=${SECRET}`,
  `/metrics?token=${SECRET}`,
  `/api/shoes?q=a&token=${SECRET}`,
  `/livez?a=${JWT}`,
  `/livez?${JWT}`,
  `/reset/${JWT}`,
  `/livez?a=Bearer+${SECRET}`,
  `/livez?a=insole_key_${SECRET}`,
  `/reset/${RANDOM}`,
  `/livez?a=${RANDOM}`,
  `http://ada:${SECRET}@shop/livez`,
] as const;

const HARMLESS = [
  "/livez?id=1",
  "/api/shoes?brand=Pavo%20%26%20Finch&color=Red&minPrice=1&maxPrice=2&page=3&sort=price_asc&limit=4",
  "/api/shoes?category=a&cursor=b&facets=true&gender=c&ids=a,b&inStock=1&onSale=1&search=d&size=9.5",
  "/api/shoes?q=monkey+strap&sort=name",
  "/api/shoes?q=caf%C3%A9%20%22trail%22",
  "/images/a.svg?v=12",
  "/tokens/keys/passwords",
  "/api/shoes/a-shoe-with-a-long-slug-of-one-case-only-0123456789",
] as const;

// Skipped on a machine without NGINX; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const programs = openPrograms(`${process.env.PATH}:${NGINX_PATHS}`);
afterAll(programs.close);

describe.skipIf(!hasNginx)("the access log", () => {
  const node = programs.openNode(() => Response.json({}, { headers: PUBLIC }));
  let edge: Edge;
  const textOf = (edge: Edge) => Bun.file(`${edge.folder}/logs/access.log`).text();
  beforeAll(async () => {
    edge = await programs.bootEdge([node.address], ["--log-sample", "100"]);
    for (const path of [...SECRETS, ...HARMLESS]) await request(edge.url, { path });
    // Each worker writes its lines together.
    const count = SECRETS.length + HARMLESS.length;
    await until(
      "all requests are logged",
      async () => (await textOf(edge)).trim().split("\n").length === count,
    );
  });

  test("has a line for each request, and no secret", async () => {
    const lines = (await textOf(edge)).trim().split("\n");
    const shown = lines.filter((line) => [SECRET, JWT, RANDOM].some((secret) => line.includes(secret)));
    expect(shown).toEqual([]);
    const masked = lines.filter((line) => JSON.parse(line).request.endsWith("[masked]"));
    expect(masked).toHaveLength(SECRETS.length);
  });

  test("shows the path of a request whose query is masked", async () => {
    expect(await textOf(edge)).toContain('"request":"GET /api/shoes?[masked]"');
  });

  test.each(HARMLESS)("has %s whole", async (path) => {
    expect(await textOf(edge)).toContain(`"request":"GET ${path.replaceAll('"', '\\"')} HTTP/1.1"`);
  });
});
