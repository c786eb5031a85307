// Which node is asked, what it is told, and what happens when nodes are silent, dying or gone.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { findNginx, NGINX_PATHS } from "../replicas/cluster/edge.ts";
import { ask, askAtOnce, type Reply } from "./rows/client.ts";
import { type Edge, end, freePort, type MadeUp, makeUp, openWorld, PUBLIC, until } from "./testing/edge.ts";

const FORGED = "0123abcd.42.AAAAAAAAAAAAAAAA";
const JSON_POST = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
// On a machine that has no NGINX there is nothing to try; CI installs it.
const hasNginx = findNginx(process.env.PATH ?? "") !== null;
const world = openWorld(`${process.env.PATH}:${NGINX_PATHS}`);
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
  await world.close();
});

function madeUp(answer: Parameters<typeof makeUp>[0]): MadeUp {
  const node = makeUp(answer);
  closing.push(node.close);
  return node;
}

/** Accepts connections and reads, and then does what the test wants; counts the requests. */
async function rude(act: "hang" | "die"): Promise<{ place: string; asked: () => number }> {
  let asked = 0;
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      asked += 1;
      if (act === "die") socket.destroy();
    });
    closing.push(() => socket.destroy());
  });
  closing.push(() => server.close());
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { place: `127.0.0.1:${port}`, asked: () => asked };
}

/** The answer is kept a moment after it was sent, and other workers see it then. */
async function untilHit(edge: Edge, path: string): Promise<Reply> {
  let reply: Reply | undefined;
  const isHit = async () => {
    reply = await ask(edge.url, { path });
    return reply.headers["cache-status"] === "insole-edge; hit";
  };
  await until(isHit, `${path} is kept`);
  if (!reply) throw new Error("there was no answer");
  return reply;
}

const shoes = Array.from({ length: 60 }, (_, at) => `/api/shoes/shoe-${at}`);

describe.skipIf(!hasNginx)("two made-up nodes", () => {
  let nodes: MadeUp[];
  let edge: Edge;
  beforeAll(async () => {
    const answer = (name: string) => (request: Request) =>
      Response.json(
        { name },
        {
          headers: {
            ...PUBLIC,
            etag: `"${name}.i"`,
            "x-request-id": request.headers.get("x-request-id") ?? "",
            "server-timing": "app;dur=9",
            "insole-version": FORGED,
            "cache-status": "insole; hit",
            "x-ratelimit-limit": "9",
            vary: "Accept-Encoding, Origin",
          },
        },
      );
    nodes = [madeUp(answer("a")), madeUp(answer("b"))];
    edge = await world.bootEdge(
      nodes.map(({ place }) => place),
      ["--log-sample", "0"],
    );
  });
  const heard = () => nodes.flatMap((node) => node.heard);
  const forget = () => {
    for (const node of nodes) node.heard.length = 0;
  };

  test("a key has its node, whatever the prefix, the encoding and the client", async () => {
    const names = new Set<string>();
    for (const path of shoes) {
      const { body } = await ask(edge.url, { path });
      names.add(body);
      const twin = {
        path: path.replace("/api", "/v1"),
        headers: { "accept-encoding": "gzip" },
        from: "127.0.0.7",
      };
      expect((await ask(edge.url, twin)).body).toBe(body);
    }
    expect(names.size).toBe(2);
  });

  test("a client has its node, and is what the edge says it is", async () => {
    const names = new Map<string, Set<string>>();
    forget();
    for (let at = 2; at < 22; at += 1)
      for (const path of ["/api/auth/profile", "/api/users/me/likes"]) {
        const from = `127.0.0.${at}`;
        const headers = {
          "x-forwarded-for": "9.9.9.9",
          "x-real-ip": "9.9.9.9",
          forwarded: "for=9.9.9.9",
          cookie: "a=b",
        };
        const { body } = await ask(edge.url, {
          path,
          from,
          headers: { ...headers, authorization: "Bearer t" },
        });
        names.set(from, (names.get(from) ?? new Set()).add(body));
      }
    expect([...names.values()].every((each) => each.size === 1)).toBe(true);
    expect(new Set([...names.values()].flatMap((each) => [...each])).size).toBe(2);
    for (const { headers } of heard()) {
      expect(headers["x-forwarded-for"]).toMatch(/^127\.0\.0\.\d+$/);
      expect(headers).toMatchObject({
        cookie: "a=b",
        authorization: "Bearer t",
        "x-forwarded-proto": "http",
      });
      expect([headers["x-real-ip"], headers.forwarded]).toEqual([undefined, undefined]);
    }
  });

  test("a public question is told without anything of the client", async () => {
    forget();
    const headers = {
      host: "evil.example",
      authorization: "Bearer t",
      cookie: `a=b; insole_version=${FORGED}`,
      origin: "https://evil.example",
      "user-agent": "somebody",
      "accept-encoding": "br, gzip;q=0.3",
      "x-forwarded-for": "9.9.9.9",
      "if-none-match": '"x"',
      range: "bytes=0-1",
    };
    await ask(edge.url, { path: "/api/shoes/told?secret=1", headers });
    const [asked] = heard();
    expect(asked?.url).toBe("/api/shoes/told");
    const { "x-request-id": id, ...told } = asked?.headers ?? {};
    expect(id).toMatch(/^[\d.-]+$/);
    expect(told).toEqual({
      host: "shop",
      "accept-encoding": "gzip",
      "insole-version": FORGED,
    });
  });

  test.each([
    ["sort=name&brand=B&page=2&x=1", "brand=B&page=2&sort=name"],
    ["Brand=B&brand=b", "brand=b"],
    ["xbrand=1&brand=b%26c&", "brand=b%26c"],
    ["brand=", "brand="],
    ["page", "page"],
    [
      "q=a+b&search=c&size=9.5&minPrice=1&maxPrice=2&limit=3&inStock=1&onSale=1&ids=a,b&gender=g&facets=1&cursor=z&color=c&category=d",
      "category=d&color=c&cursor=z&facets=1&gender=g&ids=a,b&inStock=1&limit=3&maxPrice=2&minPrice=1&onSale=1&q=a+b&search=c&size=9.5",
    ],
    ["utm=1", ""],
    // As it is.
    ["size=9&x=1&size=8", "size=9&x=1&size=8"],
    ["page&page=2", "page&page=2"],
    ["br%61nd=b&x=1", "br%61nd=b&x=1"],
    ["a+b=1&limit=2", "a+b=1&limit=2"],
  ])("of a list's %s a node is sent %s", async (given, sent) => {
    forget();
    await ask(edge.url, { path: `/v1/products?${given}` });
    expect(heard().map(({ url }) => url)).toEqual([sent === "" ? "/v1/products" : `/v1/products?${sent}`]);
  });

  test("of a picture's arguments only the version is sent", async () => {
    forget();
    for (const query of ["?v=12&x=1", "?x=1", "?v=no", ""])
      await ask(edge.url, { path: `/images/p.svg${query}` });
    expect(new Set(heard().map(({ url }) => url))).toEqual(new Set(["/images/p.svg?v=12", "/images/p.svg"]));
  });

  test("what belongs to the first request is not in the second's answer", async () => {
    const path = "/api/shoes/replayed";
    const first = await ask(edge.url, {
      path,
      headers: { "x-request-id": "first", origin: "https://first.example" },
    });
    expect(first.headers).toMatchObject({
      "server-timing": "app;dur=9",
      "cache-status": "insole; hit, insole-edge; fwd=miss",
    });
    expect(first.headers).not.toContainKeys(["insole-version", "x-ratelimit-limit"]);
    const { headers } = await untilHit(edge, path);
    expect(headers["x-request-id"]).not.toBe("first");
    expect(headers).not.toContainKeys(["server-timing", "insole-version", "x-ratelimit-limit"]);
  });

  test("a flood of versions does not reach the nodes, and is told so", async () => {
    forget();
    const question = {
      path: "/api/shoes/flooded",
      headers: { "insole-version": FORGED },
      from: "127.0.0.99",
    };
    const { statuses, refusal } = await askAtOnce(edge.url, question, 3_000);
    expect(Object.keys(statuses).sort()).toEqual(["200", "429"]);
    expect(refusal?.headers["retry-after"]).toBe("1");
    expect(heard().length).toBe(statuses["200"] ?? 0);
    expect(heard().length).toBeLessThan(1_500);
    // Others are not held.
    const other = { ...question, from: "127.0.0.98" };
    expect((await ask(edge.url, other)).status).toBe(200);
  });

  test("the log has every error and, of what went well, its sample: here none", async () => {
    await ask(edge.url, { path: "/health" });
    await ask(edge.url, {
      path: "/metrics?logged",
      headers: { "x-request-id": 'quo"te', "user-agent": "x" },
    });
    const log = Bun.file(`${edge.folder}/logs/access.log`);
    await until(async () => (await log.text()).includes("/metrics?logged"), "it is logged");
    const lines = (await log.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ status, seconds }) => status < 400 && seconds < 1)).toEqual([]);
    expect(lines.find(({ request }) => request.includes("logged"))).toMatchObject({
      status: 404,
      client: "127.0.0.1",
    });
  });
});

describe.skipIf(!hasNginx)("bad nodes", () => {
  const good = () => madeUp(() => Response.json({ ok: true }, { headers: PUBLIC }));

  test("a silent node: reads go to another within two seconds, writes are sent once", async () => {
    const silent = await rude("hang");
    const edge = await world.bootEdge([silent.place, good().place]);
    const replies = await Promise.all(
      [...shoes.slice(0, 20), "/api/shoes?limit=1"].map((path) => ask(edge.url, { path })),
    );
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    expect(silent.asked()).toBeGreaterThan(0);
  });

  test.each(["POST", "PATCH", "PUT", "DELETE"])(
    "a node that dies with a %s: sent once, and the outcome is unknown",
    async (method) => {
      const [dying, second] = [await rude("die"), await rude("die")];
      const edge = await world.bootEdge([dying.place, second.place]);
      const reply = await ask(edge.url, { ...JSON_POST, method, path: "/api/auth/profile" });
      expect(reply.status).toBe(504);
      expect(JSON.parse(reply.body)).toMatchObject({ type: "/problems/outcome-unknown", status: 504 });
      expect(dying.asked() + second.asked()).toBe(1);
    },
  );

  test.each(["POST", "PATCH", "PUT", "DELETE"])(
    "a node that is gone: a %s was not sent, so another gets it",
    async (method) => {
      const gone = `127.0.0.1:${await freePort()}`;
      const node = good();
      const edge = await world.bootEdge([gone, node.place]);
      for (let at = 2; at < 12; at += 1) {
        const { status } = await ask(edge.url, {
          ...JSON_POST,
          method,
          path: "/api/auth/profile",
          from: `127.0.0.${at}`,
        });
        expect(status).toBe(200);
      }
      expect(node.heard.length).toBe(10);
    },
  );

  test("a node that is busy with searches stays in service, and no other is asked for them", async () => {
    const answer = ({ url }: Request) =>
      url.includes("?q=") ? Response.json({}, { status: 503 }) : Response.json({}, { headers: PUBLIC });
    const busy = [madeUp(answer), madeUp(answer)];
    const edge = await world.bootEdge(busy.map(({ place }) => place));
    expect((await ask(edge.url, { path: "/api/shoes?q=wide" })).status).toBe(503);
    expect(busy.flatMap(({ heard }) => heard)).toHaveLength(1);
    expect((await ask(edge.url, { path: "/api/shoes/one" })).status).toBe(200);
  });

  test("an answer with a cookie is not kept, and shows none", async () => {
    const node = madeUp(() => Response.json({}, { headers: { ...PUBLIC, "set-cookie": "a=b" } }));
    const edge = await world.bootEdge([node.place]);
    for (let times = 0; times < 2; times += 1) {
      const { headers } = await ask(edge.url, { path: "/api/shoes/cookie" });
      expect(headers["cache-status"]).toBe("insole-edge; fwd=miss");
      expect(headers["set-cookie"]).toBeUndefined();
    }
  });

  test("what says nothing of errors is sent as well when nobody answers", async () => {
    const node = madeUp(() =>
      Response.json({}, { headers: { ...PUBLIC, "cache-control": "public, max-age=1" } }),
    );
    const edge = await world.bootEdge([node.place]);
    await untilHit(edge, "/images/a.svg");
    await node.close();
    const isStale = async () => {
      const { status, headers } = await ask(edge.url, { path: "/images/a.svg" });
      expect(status).toBe(200);
      return headers["cache-status"] === "insole-edge; hit; detail=stale";
    };
    await until(isStale, "it is sent although it is old");
  });

  test("an odd question leaves nothing behind, however long it is", async () => {
    const node = good();
    const edge = await world.bootEdge([node.place]);
    const kept = () => [...new Bun.Glob("**/*").scanSync(`${edge.folder}/cache`)].length;
    await ask(edge.url, { path: "/api/shoes?size=8&size=9" });
    expect(kept()).toBe(0);
    await ask(edge.url, { path: `/api/shoes?q=${"a".repeat(7_000)}` });
    await until(() => kept() === 1, "the one that is not odd is kept");
  });

  test("an answer that nobody asked for in a while is fresh", async () => {
    let price = 1;
    const node = madeUp(() => Response.json({ price }, { headers: { ...PUBLIC, etag: `"${price}.i"` } }));
    const edge = await world.bootEdge([node.place]);
    const askPrice = async () => (await ask(edge.url, { path: "/api/shoes/priced" })).body;
    expect(await askPrice()).toBe('{"price":1}');
    const storedAt = performance.now();
    price = 2;
    // Longer than any second that it may be fresh or a second late in.
    await until(() => performance.now() - storedAt > 3_100, "its time is over");
    expect(await askPrice()).toBe('{"price":2}');
  });
});

describe.skipIf(!hasNginx)("real shops", () => {
  test("half of them killed under load, then all: reads go on", async () => {
    const nodes = await world.bootNodes(4);
    const edge = await world.bootEdge(nodes.map(({ place }) => place));
    const { body } = await ask(edge.url, { path: "/api/shoes?limit=60" });
    const paths = (JSON.parse(body) as { data: { id: string }[] }).data.map(({ id }) => `/api/shoes/${id}`);
    const statuses = new Map<number | string, number>();
    let isOver = false;
    const client = async (start: number) => {
      for (let at = start; !isOver; at += 1) {
        const path = paths[at % paths.length] ?? "";
        // Odd arguments are never kept, so that half of the questions reach a node.
        const question = at % 2 === 0 ? { path } : { path: `/api/shoes?limit=2&limit%20=${at}` };
        const status = await ask(edge.url, question).then(
          (reply) => reply.status,
          (error) => String(error),
        );
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const clients = Array.from({ length: 8 }, (_, at) => client(at * 7));
    const enough = (count: number) => until(() => (statuses.get(200) ?? 0) > count, "the load runs");
    await enough(300);
    await Promise.all(nodes.slice(0, 2).map(({ child }) => end(child, "SIGKILL")));
    await enough((statuses.get(200) ?? 0) + 600);
    isOver = true;
    await Promise.all(clients);
    expect([...statuses.keys()]).toEqual([200]);

    const kept = await untilHit(edge, "/api/categories");
    await Promise.all(nodes.slice(2).map(({ child }) => end(child, "SIGKILL")));
    const isStale = async () => {
      const reply = await ask(edge.url, { path: "/api/categories" });
      expect([reply.status, reply.body]).toEqual([200, kept.body]);
      return reply.headers["cache-status"] === "insole-edge; hit; detail=stale";
    };
    await until(isStale, "what is kept is sent, and says that it is old");
    for (const question of [
      { path: "/api/shoes/never-asked-for" },
      { path: "/api/auth/profile" },
      { ...JSON_POST, path: "/api/auth/login" },
      { ...JSON_POST, method: "PUT", path: "/api/auth/profile" },
      // Whoever asks for news is not given what is old.
      { path: "/api/categories", headers: { "insole-version": FORGED } },
    ]) {
      const reply = await ask(edge.url, question);
      expect(reply.status).toBe(503);
      expect(JSON.parse(reply.body)).toMatchObject({ type: "/problems/unavailable", status: 503 });
      expect(reply.headers["retry-after"]).toBe("1");
    }
  }, 60_000);
});
