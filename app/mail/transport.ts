// How mails leave the process: to a mail server, or into files.
import type { Composed } from "./message.ts";

/** Why a mail was not sent. `isServer`: the server is away or refuses everything, so other mails would fail too. */
export class MailError extends Error {
  constructor(
    message: string,
    readonly isServer: boolean,
  ) {
    super(message);
  }
}

export type Transport = {
  /**
   * Sends a mail, and resolves when its receiver has answered for it: with a reason for each recipient that was refused while
   * others were accepted. Rejects with `MailError` when no recipient has it.
   */
  send(mail: Composed): Promise<string[]>;
  /** Ends the connection, if there is one, without waiting; the next mail opens another. A mail under way fails. */
  close(): void;
};
