// The thread of mails: composes each mail that it is given and sends it. Mails come one after the other.
import { messageOf } from "../../db/message.ts";
import { openFiles } from "./files.ts";
import { composeMessage, type Message } from "./message.ts";
import { openSmtp } from "./smtp.ts";
import type { Target, ThreadMessage, ThreadReply } from "./thread-messages.ts";
import { MailError, type Transport } from "./transport.ts";

declare const self: Worker;

const transportTo = ({ smtp, folder, bounds }: Target): Transport =>
  smtp ? openSmtp(smtp, { bounds }) : openFiles(folder);

let transport: Transport | null = null;

self.onmessage = async ({ data }: MessageEvent<ThreadMessage>) => {
  if (data === "close") transport?.close();
  else if ("target" in data) transport = transportTo(data.target);
  else self.postMessage(await replyTo(transport, data.message));
};

async function replyTo(to: Transport | null, message: Message): Promise<ThreadReply> {
  try {
    if (!to) throw new Error("the thread of mails has no target");
    return { refusals: await to.send(await composeMessage(message)) };
  } catch (thrown) {
    return { error: messageOf(thrown), isServer: thrown instanceof MailError ? thrown.isServer : null };
  }
}
