// The mail server of the settings: one connection at a time, and a deadline for each mail.
import type { SmtpConfig } from "../mail-settings.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";
import { MailError, type Transport } from "./transport.ts";

/** Bounds in ms: of a connection's steps, of the server's silence, and of a mail with all its steps. */
export type SmtpBounds = SessionOptions["bounds"] & { sendMs: number };

export const SMTP_BOUNDS: SmtpBounds = { connectMs: 10_000, silenceMs: 20_000, sendMs: 60_000 };
/** Mails on one connection: servers end connections that send many. */
const MAILS_MAX = 100;

type SmtpOptions = {
  bounds?: SmtpBounds | undefined;
  /** PEM text of the certificates that sign the server's, where the machine does not know them. */
  ca?: string;
};

/** Opens the transport; it connects with the first mail. */
export function openSmtp(config: SmtpConfig, { bounds = SMTP_BOUNDS, ca }: SmtpOptions = {}): Transport {
  let session: Session | null = null;
  let cutOff: ((why: MailError) => void) | null = null;

  /** The open session, or another one where that has ended or had its mails. */
  const current = async (): Promise<Session> => {
    if (session && session.mails() >= MAILS_MAX) session.quit();
    if (!session?.isOpen()) session = openSession(config, { bounds, ...(ca ? { ca } : {}) });
    await session.ready;
    return session;
  };

  return {
    async send(mail) {
      const cut = Promise.withResolvers<never>();
      cutOff = cut.reject;
      const late = () =>
        cut.reject(new MailError(`the mail server did not take the mail within ${bounds.sendMs} ms`, true));
      const timer = setTimeout(late, bounds.sendMs);
      try {
        return await Promise.race([current().then((open) => open.send(mail)), cut.promise]);
      } catch (thrown) {
        // After a refusal of this mail alone the session goes on.
        if (!(thrown instanceof MailError) || thrown.isServer) session?.drop();
        throw thrown;
      } finally {
        clearTimeout(timer);
        cutOff = null;
      }
    },
    close() {
      if (cutOff) cutOff(new MailError("the process ended before the mail server had answered", true));
      else session?.quit();
    },
  };
}
