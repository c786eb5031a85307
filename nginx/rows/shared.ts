// Rows about public responses: what the edge caches, under which key, and what it keeps out of the cache.
import { must } from "../../db/must.ts";
import type { HttpResponse } from "./client.ts";
import {
  type EdgeClient,
  expectHeader,
  expectProblem,
  expectStatus,
  HIT,
  type Row,
  requestUntil,
  requestUntilHit,
} from "./row.ts";

/** More than the nodes' HTTP server takes, few enough for the edge. */
const MANY_HEADERS = Object.fromEntries(Array.from({ length: 250 }, (_, at) => [`x-${at}`, "1"]));
const GZIP = { "accept-encoding": "gzip" };

export const SHARED_ROWS: Row[] = [
  {
    rule: "a public response is cached: the second request is a hit, and Cache-Status says so",
    async check(client) {
      const shoe = client.nextShoe();
      for (const path of [shoe, `${shoe}/relatedproducts`, "/api/categories", "/api/shoes?limit=7"]) {
        const hit = await requestUntilHit(client, path);
        expectStatus(hit, 200);
        expectHeader(
          hit,
          "cache-control",
          /^public, max-age=0, s-maxage=1, stale-while-revalidate=1, stale-if-error=\d+$/,
        );
        expectHeader(hit, "vary", "Accept-Encoding");
        expectHeader(hit, "etag", /^"/);
      }
    },
  },
  {
    rule: "Cache-Status of a node's new response has the node's part and the edge's",
    async check(client) {
      const computed = await requestUntil(
        client,
        client.nextShoe(),
        (response) => response.headers["cache-status"] !== HIT,
      );
      expectHeader(computed, "cache-status", /^(insole; [^,]+, )?insole-edge; fwd=/);
    },
  },
  {
    rule: "/api and /v1 share one cached response",
    async check(client) {
      const path = client.nextShoe();
      const { body } = await requestUntilHit(client, path);
      const other = await requestUntilHit(client, path.replace("/api/", "/v1/"));
      if (other.body !== body) throw new Error("the bodies differ");
    },
  },
  {
    rule: "an unknown query parameter shares the cached response",
    async check(client) {
      const path = `${client.nextShoe()}/relatedproducts`;
      await requestUntilHit(client, path);
      await expectSameKey(client, path, `${path}?utm=${Date.now()}`);
      await expectSameKey(client, "/api/shoes?limit=6", `/api/shoes?utm=${Date.now()}&limit=6&`);
    },
  },
  {
    rule: "the parameters of a list share one cached response in any order",
    check: (client) =>
      expectSameKey(
        client,
        "/api/shoes?inStock=true&limit=5&sort=name",
        "/api/shoes?sort=name&limit=5&inStock=true",
      ),
  },
  {
    rule: "a parameter that is repeated or encoded reaches the node unchanged, and its response is not cached",
    async check({ send }) {
      for (const query of ["color=Red&color=Black", "li%6dit=3", "l+x=3"]) {
        await send(`/api/shoes?${query}`);
        const response = await send(`/api/shoes?${query}`);
        expectStatus(response, 200);
        expectHeader(response, "cache-status", /insole-edge; fwd=bypass$/);
      }
      const three = JSON.parse((await send("/api/shoes?li%6dit=3")).body) as { data: unknown[] };
      if (three.data.length !== 3) throw new Error(`a limit of 3 gave ${three.data.length}`);
    },
  },
  {
    rule: "the response to a path in another spelling is not cached",
    async check(client) {
      const path = client.nextShoe();
      for (const other of [
        path.replace("/shoes/", "/shoes//"),
        path.replace("shoes/d", "shoes/%64"),
        `${path}%2f`,
      ]) {
        const response = await client.send(other);
        if (response.headers["cache-status"]?.includes("insole-edge")) throw new Error(`${other} is cached`);
      }
    },
  },
  {
    rule: "Accept-Encoding gives two cached responses: gzip and identity",
    async check(client) {
      const path = client.nextShoe();
      const gzip = await requestUntil(
        client,
        path,
        (response) => response.headers["content-encoding"] === "gzip",
        {
          headers: GZIP,
        },
      );
      const other = { headers: { "accept-encoding": "br;q=1.0, gzip;q=0.5, *;q=0.1" } };
      const same = await requestUntilHit(client, path, other);
      expectHeader(same, "etag", must(gzip.headers.etag, "the ETag"));
      const identity = await requestUntilHit(client, path, { headers: { "accept-encoding": "gzip;q=0" } });
      expectHeader(identity, "content-encoding", null);
      if (identity.body !== gzip.body) throw new Error("the bodies differ after decompression");
    },
  },
  {
    rule: "HEAD shares the cached response of GET, without its body",
    async check(client) {
      const path = client.nextShoe();
      const get = await requestUntilHit(client, path);
      const head = await requestUntilHit(client, path, { method: "HEAD" });
      expectHeader(head, "etag", must(get.headers.etag, "the ETag"));
      if (head.body !== "") throw new Error("it has a body");
    },
  },
  {
    rule: "a request with a matching If-None-Match gets 304",
    async check(client) {
      const path = client.nextShoe();
      const { headers } = await requestUntilHit(client, path);
      expectStatus(
        await client.send(path, { headers: { "if-none-match": must(headers.etag, "the ETag") } }),
        304,
      );
    },
  },
  {
    rule: "a cached response is revalidated by a node after a second or two",
    async check(client) {
      const path = client.nextShoe();
      await requestUntilHit(client, path);
      await requestUntil(
        client,
        path,
        (response) => response.headers["cache-status"] === "insole-edge; fwd=stale; fwd-status=304",
      );
    },
  },
  {
    rule: "signed-in clients share the cached response: token and cookies change nothing",
    async check(client) {
      const path = client.nextShoe();
      const { body } = await requestUntilHit(client, path);
      const headers = { authorization: "Bearer nothing", cookie: "insole_refresh=1; a=b" };
      const signedIn = await requestUntilHit(client, path, { headers });
      if (signedIn.body !== body) throw new Error("the bodies differ");
      expectHeader(signedIn, "set-cookie", null);
    },
  },
  {
    rule: "nothing of one request is in the response to the next",
    async check(client) {
      const path = client.nextShoe();
      const headers = { "x-request-id": "the-first-caller", origin: "https://first.example" };
      await requestUntilHit(client, path, { headers });
      const hit = await requestUntilHit(client, path);
      expectHeader(hit, "x-request-id", /^(?!the-first-caller$)./);
      for (const name of ["server-timing", "insole-version", "set-cookie", "x-ratelimit-limit"])
        expectHeader(hit, name, null);
      expectHeader(hit, "access-control-allow-origin", "*");
      expectHeader(hit, "access-control-allow-credentials", null);
    },
  },
  {
    rule: "no header of a client reaches a node with a public read, be it an item or a list",
    async check(client) {
      // A node refuses so many.
      expectStatus(await client.send("/health", { headers: MANY_HEADERS }), 431);
      for (const path of [client.nextShoe(), "/api/shoes?limit=4"]) {
        const isFromNode = ({ headers }: HttpResponse) => headers["cache-status"] !== HIT;
        expectStatus(await requestUntil(client, path, isFromNode, { headers: MANY_HEADERS }), 200);
      }
    },
  },
  {
    rule: "404 is not cached",
    async check({ send }) {
      const path = "/api/shoes/there-is-no-such-shoe-anywhere";
      await send(path);
      const response = await send(path);
      expectProblem(response, 404, "not-found");
      expectHeader(response, "cache-status", "insole-edge; fwd=miss");
    },
  },
  {
    rule: "a picture is cached as long as it allows, and shared whatever the query",
    async check(client) {
      const shoe = client.nextShoe().replace("/api/shoes/", "/images/");
      const picture = await requestUntilHit(client, `${shoe}.svg`);
      expectHeader(picture, "content-type", /^image\/svg\+xml/);
      expectHeader(picture, "cache-control", /^public, max-age=3600, s-maxage=1,/);
      await expectSameKey(client, `${shoe}.svg`, `${shoe}.svg?nothing=1`);
    },
  },
  {
    rule: "a picture with another version than the current one is not cached",
    async check({ send, nextShoe }) {
      const path = `${nextShoe().replace("/api/shoes/", "/images/")}.svg?v=999999999999999`;
      for (let times = 0; times < 3; times += 1) {
        const response = await send(path);
        expectStatus(response, 200);
        expectHeader(response, "cache-control", /no-store/);
        expectHeader(response, "cache-status", /insole-edge; fwd=miss$/);
      }
    },
  },
];

/** Throws unless two paths share one cached response; it may expire between two requests, hence several tries. */
async function expectSameKey(client: EdgeClient, path: string, other: string): Promise<void> {
  let seen = "";
  for (let tries = 0; tries < 5; tries += 1) {
    await requestUntilHit(client, path);
    const { headers } = await client.send(other);
    seen = headers["cache-status"] ?? "";
    if (seen === HIT) return;
  }
  throw new Error(`${other} is no hit, but ${seen}`);
}
