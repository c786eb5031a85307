// The control of a running cluster from a second terminal: a server on loopback, whose URL and secret lie in the cluster's
// folder.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { messageOf } from "../../db/message.ts";
import type { ClusterFolder } from "./folder.ts";
import type { Control } from "./options.ts";

type Reply = { ok: boolean; lines: string[] };

/** Starts the server. Controls are carried out one after the other; the status is answered at once. */
export function openControl(
  { controlFile }: ClusterFolder,
  perform: (control: Control) => Promise<string[]>,
): { close(): void } {
  const token = crypto.randomUUID();
  let earlier: Promise<unknown> = Promise.resolve();
  const answer = async (control: Control): Promise<Reply> => {
    try {
      return { ok: true, lines: await perform(control) };
    } catch (thrown) {
      return { ok: false, lines: [messageOf(thrown)] };
    }
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    // A drain can take long.
    idleTimeout: 0,
    async fetch(request) {
      if (request.headers.get("authorization") !== `Bearer ${token}`)
        return new Response(null, { status: 401 });
      const control = (await request.json()) as Control;
      const turn = control.verb === "status" ? answer(control) : earlier.then(() => answer(control));
      earlier = Promise.all([earlier, turn]);
      return Response.json(await turn);
    },
  });
  writeFileSync(controlFile, JSON.stringify({ url: server.url.href, token }), { mode: 0o600 });
  return {
    close() {
      rmSync(controlFile, { force: true });
      void server.stop(true);
    },
  };
}

/**
 * Sends a control to the cluster of this folder and returns its lines. Throws one sentence when no cluster runs there, or it
 * refuses.
 */
export async function sendControl({ root, controlFile }: ClusterFolder, control: Control): Promise<string[]> {
  if (!existsSync(controlFile)) throw new Error(`no cluster runs in ${root}`);
  const { url, token } = JSON.parse(readFileSync(controlFile, "utf8")) as { url: string; token: string };
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(control),
  }).catch(() => undefined);
  if (!response?.ok) throw new Error(`no cluster runs in ${root}`);
  const { ok, lines } = (await response.json()) as Reply;
  if (!ok) throw new Error(lines.join(" "));
  return lines;
}
