// A replication of the door before a real server, on a port of its own, and replicas in threads and processes of their own.
import { openTestServer, type TestServer } from "../../db/testing/server.ts";
import { type Lives, openLives } from "../primary/door/lives.ts";
import { type News, openNews } from "../primary/door/news.ts";
import { openReplication, type Replication } from "../primary/door/replication/replication.ts";

export type TestReplication = {
  /** Where replicas sync from. */
  url: string;
  server: TestServer;
  replication: Replication;
  lives: Lives;
  news: News;
  /** Commits the statements at the server and raises the news. */
  write(...statements: string[]): Promise<void>;
  /** The value of a metric, without its prefix. */
  metric(name: string): number;
  /** The paths of requests that came, in order. */
  paths: string[];
  /** Ends the server's life by kill -9 and begins the next one on the same folder. */
  restart(): Promise<void>;
  close(): Promise<void>;
};

/** Opens it before a server with an empty database. */
export async function openTestReplication(flags: string[] = []): Promise<TestReplication> {
  const server = await openTestServer(null, flags);
  const lives = openLives();
  const news = openNews();
  const replication = openReplication({ lives, news });
  const paths: string[] = [];
  const begin = () => lives.begin({ url: server.url, writeToken: "", readToken: "" });
  begin();
  const listener = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      paths.push(pathname);
      return replication.handle(request, pathname);
    },
  });
  return {
    url: `http://127.0.0.1:${listener.port}`,
    server,
    replication,
    lives,
    news,
    paths,
    async write(...statements) {
      await runOnServer(server.url, statements);
      news.raise();
    },
    metric: (name) => replication.metrics().find((metric) => metric.name === name)?.value ?? Number.NaN,
    async restart() {
      await server.stop("SIGKILL");
      lives.end();
      await server.start();
      begin();
    },
    async close() {
      replication.close();
      lives.end();
      await listener.stop(true);
      await server.remove();
    },
  };
}

/** Runs the statements as one transaction, and throws where one fails. */
export async function runOnServer(url: string, statements: string[]): Promise<void> {
  const steps = ["BEGIN IMMEDIATE", ...statements, "COMMIT"].map((sql, at) => ({
    stmt: { sql },
    ...(at > 0 && { condition: { type: "ok", step: at - 1 } }),
  }));
  const requests = [{ type: "batch", batch: { steps } }, { type: "close" }];
  const response = await fetch(`${url}/v2/pipeline`, { method: "POST", body: JSON.stringify({ requests }) });
  const { results } = (await response.json()) as {
    results: { response?: { result?: { step_errors: ({ message: string } | null)[] } } }[];
  };
  const errors = results[0]?.response?.result?.step_errors;
  const error = errors?.find((one) => one !== null);
  if (!errors || error)
    throw new Error(`the statements failed: ${error?.message ?? (await response.text())}`);
}
