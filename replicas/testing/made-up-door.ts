// A program in place of the door: it takes the supervisor's messages, listens, and answers `/told` with all of them, anything else as a door does without sqld.
import { type DoorMessage, LISTENING } from "../primary/door/messages.ts";

const told: DoorMessage[] = [];
let server: Bun.Server<undefined> | undefined;

function take(message: DoorMessage): void {
  told.push(message);
  if (message.kind === "open") {
    const port = Number(message.listen.split(":")[1]);
    server = Bun.serve({
      hostname: "127.0.0.1",
      port,
      ...(message.tls ? { tls: message.tls } : {}),
      fetch: ({ url }) =>
        new URL(url).pathname === "/told"
          ? Response.json({ pid: process.pid, told })
          : new Response(null, { status: 503 }),
    });
    process.stdout.write(`${LISTENING}\n`);
  }
  if (message.kind === "end") void server?.stop().then(() => process.exit(0));
}

for await (const line of console) take(JSON.parse(line) as DoorMessage);
process.exit(0);
