// What the serving thread and the thread of mails say to each other.
import type { SmtpConfig } from "../mail-settings.ts";
import type { Message } from "./message.ts";
import type { SmtpBounds } from "./smtp.ts";

/** Where the thread sends mails: to a mail server, or into a folder. */
export type Target = { smtp: SmtpConfig | null; folder: string; bounds?: SmtpBounds | undefined };

/** A message to the thread; the first has its target. */
export type ThreadMessage = { target: Target } | { message: Message } | "close";
/** The thread's reply to a mail. `isServer` is `null` for what is no `MailError`. */
export type ThreadReply = { refusals: string[] } | { error: string; isServer: boolean | null };
