// A session with the mail server: connected and signed in once, it takes mails one after the other.
import type SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SmtpConfig } from "../mail-settings.ts";
import type { Composed } from "./message.ts";
import { MailError } from "./transport.ts";

export type SessionOptions = {
  /** For each step of connecting, and for the silence of the server, in ms. */
  bounds: { connectMs: number; silenceMs: number };
  ca?: string;
};

export type Session = {
  /** Resolves when mails can be sent. Rejects with `MailError`. */
  ready: Promise<void>;
  /** Sends a mail, and resolves with a reason for each recipient that was refused while others were accepted. Rejects with `MailError`. */
  send(mail: Composed): Promise<string[]>;
  /** Whether it may take a mail. */
  isOpen(): boolean;
  /** Mails that it was given. */
  mails(): number;
  /** Takes leave of the server. */
  quit(): void;
  /** Ends at once. */
  drop(): void;
};

/** Errors about one mail: its envelope, its size or its content. */
const OF_ONE_MAIL = new Set(["EENVELOPE", "EMESSAGE"]);
/** The server says that it closes the connection. */
const CLOSING = 421;

/** Opens a session; it is connecting at once. */
export function openSession(config: SmtpConfig, options: SessionOptions): Session {
  let connection: SMTPConnection | null = null;
  let isOpen = true;
  let takesUtf8 = false;
  let mails = 0;

  const connect = async () => {
    const opened = await connectionTo(config, options);
    if (!isOpen) return opened.close();
    connection = opened;
    await step(opened, (done) => opened.connect(done));
    takesUtf8 = /[ -]SMTPUTF8\b/i.test(opened.lastServerResponse || "");
    const { user, password: pass } = config;
    if (user !== "") await step(opened, (done) => opened.login({ user, pass }, done));
  };

  return {
    ready: connect(),
    async send(mail) {
      mails += 1;
      if (!connection) throw new MailError("there is no connection to the mail server", true);
      if (!takesUtf8 && !isAscii(mail))
        throw new MailError("the mail server takes no letters beyond ASCII before the @ (SMTPUTF8)", false);
      return deliver(connection, mail);
    },
    isOpen: () => isOpen && !connection?.destroyed,
    mails: () => mails,
    quit() {
      if (isOpen) connection?.quit();
      isOpen = false;
    },
    drop() {
      isOpen = false;
      connection?.close();
    },
  };
}

async function connectionTo(config: SmtpConfig, { bounds, ca }: SessionOptions): Promise<SMTPConnection> {
  // Loaded with the first mail: a shop that sends none does not need it.
  const { default: Connection } = await import("nodemailer/lib/smtp-connection");
  const { host, port, isSecure, needsTls } = config;
  const connection = new Connection({
    host,
    port,
    secure: isSecure,
    requireTLS: needsTls,
    connectionTimeout: bounds.connectMs,
    greetingTimeout: bounds.connectMs,
    dnsTimeout: bounds.connectMs,
    socketTimeout: bounds.silenceMs,
    ...(ca ? { tls: { ca } } : {}),
  });
  // An error between two mails has no other listener, and would end the process.
  connection.on("error", () => undefined);
  return connection;
}

async function deliver(connection: SMTPConnection, { from, to, bytes }: Composed): Promise<string[]> {
  let refusals: string[] = [];
  try {
    await step(connection, (done) =>
      connection.send({ from, to }, bytes, (error, info) => {
        refusals = (info?.rejectedErrors ?? []).map(({ message }) => message);
        done(error);
      }),
    );
  } catch (thrown) {
    if (thrown instanceof MailError && !thrown.isServer) await forget(connection);
    throw thrown;
  }
  return refusals;
}

/** Forgets a refused mail, whose recipients would otherwise be those of the next one too. */
const forget = (connection: SMTPConnection): Promise<void> =>
  step(connection, (done) => connection.reset(done)).catch(() => connection.close());

/** Runs a step of the connection; the connection's error and its end are that of the step too. */
function step(
  connection: SMTPConnection,
  begin: (done: (error?: Error | null) => void) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (error: Error) => reject(toMailError(error));
  const end = () => {
    const last = connection.lastServerResponse || "";
    const reason = /^[45]/.test(last) ? `: ${last}` : "";
    reject(new MailError(`the mail server closed the connection${reason}`, true));
  };
  connection.once("error", fail);
  connection.once("end", end);
  begin((error) => (error ? fail(error) : resolve()));
  return promise.finally(() => {
    connection.off("error", fail);
    connection.off("end", end);
  });
}

type Failure = Error & { code?: string; responseCode?: number; command?: string };

/** A refused sender is refused with every mail. */
function toMailError({ message, code = "", responseCode, command }: Failure): MailError {
  const isOfOne = OF_ONE_MAIL.has(code) && responseCode !== CLOSING && command !== "MAIL FROM";
  return new MailError(message, !isOfOne);
}

const isAscii = ({ from, to }: Composed): boolean => /^\p{ASCII}*$/u.test(from + to.join(""));
