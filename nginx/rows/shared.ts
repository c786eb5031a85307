// The rows about public answers: what is kept, for whom, under which key, and what is not told on.
import { askUntil, askUntilHit, expectHeader, expectProblem, expectStatus, HIT, type Row } from "./row.ts";

const GZIP = { "accept-encoding": "gzip" };

export const SHARED_ROWS: Row[] = [
  {
    says: "a public answer is kept: the second is a hit of the edge, and says so",
    async check(asker) {
      const shoe = asker.freshShoe();
      for (const path of [shoe, `${shoe}/relatedproducts`, "/api/categories", "/api/shoes?limit=7"]) {
        const hit = await askUntilHit(asker, path);
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
    says: "what a node has just answered tells the node's part and the edge's",
    async check(asker) {
      const computed = await askUntil(
        asker,
        asker.freshShoe(),
        (reply) => reply.headers["cache-status"] !== HIT,
      );
      expectHeader(computed, "cache-status", /^(insole; [^,]+, )?insole-edge; fwd=/);
    },
  },
  {
    says: "both prefixes share one answer",
    async check(asker) {
      const path = asker.freshShoe();
      const { body } = await askUntilHit(asker, path);
      const other = await askUntilHit(asker, path.replace("/api/", "/v1/"));
      if (other.body !== body) throw new Error("they differ");
    },
  },
  {
    says: "an argument that nobody knows makes no second answer",
    async check(asker) {
      const path = `${asker.freshShoe()}/relatedproducts`;
      await askUntilHit(asker, path);
      // The second may have begun between two questions: tried until both fell into one.
      await expectTwin(asker, path, `${path}?utm=${Date.now()}`);
      await expectTwin(asker, "/api/shoes?limit=6", `/api/shoes?utm=${Date.now()}&limit=6&`);
    },
  },
  {
    says: "a list's arguments may come in any order",
    check: (asker) =>
      expectTwin(
        asker,
        "/api/shoes?inStock=true&limit=5&sort=name",
        "/api/shoes?sort=name&limit=5&inStock=true",
      ),
  },
  {
    says: "an argument given twice, or in an odd spelling, reaches the node as it is and is not kept",
    async check({ at }) {
      for (const query of ["color=Red&color=Black", "li%6dit=3", "l+x=3"]) {
        await at(`/api/shoes?${query}`);
        const reply = await at(`/api/shoes?${query}`);
        expectStatus(reply, 200);
        expectHeader(reply, "cache-status", /insole-edge; fwd=bypass$/);
      }
      const three = JSON.parse((await at("/api/shoes?li%6dit=3")).body) as { data: unknown[] };
      if (three.data.length !== 3) throw new Error(`a limit of 3 gave ${three.data.length}`);
    },
  },
  {
    says: "a path in an odd spelling is not kept",
    async check(asker) {
      const path = asker.freshShoe();
      for (const odd of [
        path.replace("/shoes/", "/shoes//"),
        path.replace("shoes/d", "shoes/%64"),
        `${path}/.`,
      ]) {
        const reply = await asker.at(odd);
        if (reply.headers["cache-status"]?.includes("insole-edge")) throw new Error(`${odd} is`);
      }
    },
  },
  {
    says: "wishes for an encoding are two: gzip and none",
    async check(asker) {
      const path = asker.freshShoe();
      const packed = await askUntil(asker, path, (reply) => reply.headers["content-encoding"] === "gzip", {
        headers: GZIP,
      });
      const wish = { headers: { "accept-encoding": "br;q=1.0, gzip;q=0.5, *;q=0.1" } };
      const same = await askUntilHit(asker, path, wish);
      expectHeader(same, "etag", packed.headers.etag ?? "");
      const none = await askUntilHit(asker, path, { headers: { "accept-encoding": "gzip;q=0" } });
      expectHeader(none, "content-encoding", null);
      if (none.body !== packed.body) throw new Error("unpacked they differ");
    },
  },
  {
    says: "HEAD is answered as GET, without the body",
    async check(asker) {
      const path = asker.freshShoe();
      const get = await askUntilHit(asker, path);
      const head = await askUntilHit(asker, path, { method: "HEAD" });
      expectHeader(head, "etag", get.headers.etag ?? "");
      if (head.body !== "") throw new Error("it has a body");
    },
  },
  {
    says: "who has an answer already gets 304",
    async check(asker) {
      const path = asker.freshShoe();
      const { headers } = await askUntilHit(asker, path);
      expectStatus(await asker.at(path, { headers: { "if-none-match": headers.etag ?? "" } }), 304);
    },
  },
  {
    says: "an answer is kept for a second or two, then a node is asked whether it still holds",
    async check(asker) {
      const path = asker.freshShoe();
      await askUntilHit(asker, path);
      await askUntil(
        asker,
        path,
        (reply) => reply.headers["cache-status"] === "insole-edge; fwd=stale; fwd-status=304",
      );
    },
  },
  {
    says: "signed-in visitors share it: token and cookies change nothing",
    async check(asker) {
      const path = asker.freshShoe();
      const { body } = await askUntilHit(asker, path);
      const headers = { authorization: "Bearer nothing", cookie: "insole_refresh=1; a=b" };
      const signedIn = await askUntilHit(asker, path, { headers });
      if (signedIn.body !== body) throw new Error("they differ");
      expectHeader(signedIn, "set-cookie", null);
    },
  },
  {
    says: "nothing of one request is told to the next",
    async check(asker) {
      const path = asker.freshShoe();
      const headers = { "x-request-id": "the-first-caller", origin: "https://first.example" };
      await askUntilHit(asker, path, { headers });
      const hit = await askUntilHit(asker, path);
      expectHeader(hit, "x-request-id", /^(?!the-first-caller$)./);
      for (const name of ["server-timing", "insole-version", "set-cookie", "x-ratelimit-limit"])
        expectHeader(hit, name, null);
      expectHeader(hit, "access-control-allow-origin", "*");
      expectHeader(hit, "access-control-allow-credentials", null);
    },
  },
  {
    says: "what is not there is not kept",
    async check({ at }) {
      const path = "/api/shoes/there-is-no-such-shoe-anywhere";
      await at(path);
      const reply = await at(path);
      expectProblem(reply, 404, "not-found");
      expectHeader(reply, "cache-status", "insole-edge; fwd=miss");
    },
  },
  {
    says: "pictures are kept as long as they say, whatever else their address has",
    async check(asker) {
      const shoe = asker.freshShoe().replace("/api/shoes/", "/images/");
      const picture = await askUntilHit(asker, `${shoe}.svg`);
      expectHeader(picture, "content-type", /^image\/svg\+xml/);
      expectHeader(picture, "cache-control", /^public, max-age=3600$/);
      expectHeader(await asker.at(`${shoe}.svg?nothing=1`), "cache-status", HIT);
    },
  },
];

/** Throws unless a hit on the one is at once a hit on the other. */
async function expectTwin(asker: Parameters<Row["check"]>[0], path: string, twin: string): Promise<void> {
  let seen = "";
  for (let tries = 0; tries < 5; tries += 1) {
    await askUntilHit(asker, path);
    const { headers } = await asker.at(twin);
    seen = headers["cache-status"] ?? "";
    if (seen === HIT) return;
  }
  throw new Error(`${twin} is no hit, but ${seen}`);
}
