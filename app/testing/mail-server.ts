// A real SMTP server for tests: it keeps what it accepts, and fails as it is told.
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/**
 * What the server does with a mail: `refuse` with 550 and `greylist` with 450 at the recipient, `close` with 421 there, `reject` with 554 after the
 * content; `stall` never answers the content; `drop` ends the connection in the middle of the content, `lose` after it was
 * accepted and before that is answered.
 */
export type Behaviour = "accept" | "refuse" | "greylist" | "close" | "reject" | "stall" | "drop" | "lose";

/** A mail that the server accepted. */
export type ReceivedMail = { from: string; to: string[]; isSecure: boolean; raw: Buffer; messageId: string };

type Choose = (recipient: string, triesBefore: number) => Behaviour | Promise<Behaviour>;

export type MailServer = {
  /** The value of SMTP_URL. */
  url: string;
  port: number;
  received: ReceivedMail[];
  /** Attempts so far, whatever became of them. */
  attempts(): number;
  /** Connections so far. */
  connections(): number;
  /** Called with each recipient and how often it was tried before; the server answers when it has the behaviour. */
  behave(choose: Choose): void;
  /** Ends all connections, and resolves when their clients can know. */
  hangUp(): Promise<void>;
  close(): Promise<void>;
};

/** Opens a server on a free port of this machine, without TLS unless `options` say otherwise. */
export async function openMailServer(options: SMTPServerOptions = {}, port = 0): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  const tries = new Map<string, number>();
  let attempts = 0;
  let connections = 0;
  let choose: Choose = () => "accept";
  const chosen = new Map<string, Behaviour>();
  const server = new SMTPServer({
    authOptional: true,
    hideSTARTTLS: true,
    logger: false,
    onConnect(_session, callback) {
      connections += 1;
      callback();
    },
    async onRcptTo({ address }, session, callback) {
      const before = tries.get(address) ?? 0;
      tries.set(address, before + 1);
      attempts += 1;
      const behaviour = await choose(address, before);
      chosen.set(session.id, behaviour);
      if (behaviour === "refuse") return callback(replyError(550, "no such mailbox"));
      if (behaviour === "greylist") return callback(replyError(450, "try again later"));
      if (behaviour === "close") return callback(replyError(421, "closing the connection"));
      callback();
    },
    onData(stream, session, callback) {
      const behaviour = chosen.get(session.id) ?? "accept";
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        if (behaviour === "drop") hangUp(server, session.id);
      });
      stream.on("end", () => {
        if (behaviour === "reject") return callback(replyError(554, "content refused"));
        if (behaviour === "stall" || behaviour === "drop") return;
        const raw = Buffer.concat(chunks);
        received.push({
          from: session.envelope.mailFrom ? session.envelope.mailFrom.address : "",
          to: session.envelope.rcptTo.map(({ address }) => address),
          isSecure: session.secure,
          raw,
          messageId: /^Message-ID:\s+(\S+)/im.exec(raw.toString("latin1"))?.[1] ?? "",
        });
        if (behaviour === "lose") return hangUp(server, session.id);
        callback();
      });
    },
    ...options,
  });
  // Connections that clients end in the middle are errors to the server.
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = (server.server.address() as AddressInfo).port;
  return {
    url: `smtp://127.0.0.1:${bound}`,
    port: bound,
    received,
    attempts: () => attempts,
    connections: () => connections,
    behave(next) {
      choose = next;
    },
    async hangUp() {
      const ended = connectionsOf(server).map(({ _socket }) => once(_socket, "close"));
      for (const connection of connectionsOf(server)) {
        connection._socket.end();
      }
      await Promise.all(ended);
    },
    async close() {
      for (const connection of connectionsOf(server)) connection._socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A received mail with its headers and parts decoded. */
export const parseMail = ({ raw }: ReceivedMail): Promise<ParsedMail> => simpleParser(raw);

type Connection = { id: string; _socket: Socket };

const connectionsOf = (server: SMTPServer): Connection[] => [
  ...(server as unknown as { connections: Set<Connection> }).connections,
];

const hangUp = (server: SMTPServer, sessionId: string): void => {
  connectionsOf(server)
    .find(({ id }) => id === sessionId)
    ?._socket.destroy();
};

const replyError = (responseCode: number, message: string): Error =>
  Object.assign(new Error(message), { responseCode });
