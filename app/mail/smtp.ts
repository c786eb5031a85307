// The mail server of the settings: one connection at a time, each step of which has a deadline.
import type SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SmtpConfig } from "../mail-settings.ts";
import type { Composed } from "./message.ts";
import { MailError, type Transport } from "./transport.ts";

/** Bounds of a connection's steps. */
export type SmtpBounds = { connectMs: number; silenceMs: number; sendMs: number };

const BOUNDS: SmtpBounds = { connectMs: 10_000, silenceMs: 20_000, sendMs: 60_000 };
/** Errors about one mail: its envelope, its size or its content. */
const OF_ONE_MAIL = new Set(["EENVELOPE", "EMESSAGE"]);
/** The server says that it closes the connection. */
const CLOSING = 421;

type Failure = Error & { code?: string; responseCode?: number };

/** Opens the transport; it connects with the first mail. */
export function openSmtp(config: SmtpConfig, bounds = BOUNDS): Transport {
  let connection: SMTPConnection | null = null;
  let isSending = false;

  const drop = () => {
    connection?.close();
    connection = null;
  };

  return {
    async send(mail) {
      const deadline = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => deadline.reject(new MailError(`no end after ${bounds.sendMs} ms`, true)),
        bounds.sendMs,
      );
      isSending = true;
      try {
        connection ??= await Promise.race([connect(config, bounds), deadline.promise]);
        await Promise.race([deliver(connection, mail), deadline.promise]);
      } catch (thrown) {
        drop();
        throw thrown instanceof MailError ? thrown : toMailError(thrown as Failure);
      } finally {
        isSending = false;
        clearTimeout(timer);
      }
    },
    close() {
      if (isSending) return drop();
      connection?.quit();
      connection = null;
    },
  };
}

async function connect(config: SmtpConfig, bounds: SmtpBounds): Promise<SMTPConnection> {
  const { default: Connection } = await import("nodemailer/lib/smtp-connection");
  const { host, port, isSecure, needsTls, user, password } = config;
  const connection = new Connection({
    host,
    port,
    secure: isSecure,
    requireTLS: needsTls,
    connectionTimeout: bounds.connectMs,
    greetingTimeout: bounds.connectMs,
    dnsTimeout: bounds.connectMs,
    socketTimeout: bounds.silenceMs,
  });
  await settled(connection, (done) => connection.connect(done));
  if (user !== "") await settled(connection, (done) => connection.login({ user, pass: password }, done));
  return connection;
}

const deliver = (connection: SMTPConnection, { from, to, bytes }: Composed): Promise<void> =>
  settled(connection, (done) => connection.send({ from, to }, bytes, done));

/** Runs a step of the connection: an error of the connection ends it too, and so does its end. */
function settled(
  connection: SMTPConnection,
  step: (done: (error?: Error | null) => void) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (error: Error) => reject(error);
  const end = () => reject(new MailError("the mail server closed the connection", true));
  connection.once("error", fail);
  connection.once("end", end);
  step((error) => (error ? reject(error) : resolve()));
  return promise.finally(() => {
    connection.off("error", fail);
    connection.off("end", end);
    // An error between two mails has no listener otherwise, and would end the process.
    connection.on("error", () => undefined);
  });
}

function toMailError({ message, code = "", responseCode }: Failure): MailError {
  const isServer = !OF_ONE_MAIL.has(code) || responseCode === CLOSING;
  return new MailError(message, isServer);
}
