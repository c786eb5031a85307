// The link to choose a new password, to the account's own address. It has no text that a person chose, such as the account's
// name: anybody can register the address of another person, and would send that person a mail of this shop.
import type { Kind, Mail } from "../kind.ts";

/** Times in ms: `updatedAt` is that of the account at the request. */
type Request = { userId: string; updatedAt: number; expiresAt: number };

const MINUTE_MS = 60_000;

export const passwordReset: Kind = {
  name: "password-reset",
  async write(mail, { shopName, deadline, links }) {
    const { userId, updatedAt, expiresAt } = requestOf(mail);
    const url = await links.reset(userId, expiresAt, updatedAt);
    if (url === null) return null;
    const minutes = Math.round((expiresAt - mail.createdAtMs) / MINUTE_MS);
    const end = deadline(new Date(expiresAt).toISOString());
    return {
      subject: "Choose a new password",
      blocks: [
        { kind: "heading", text: "Choose a new password" },
        {
          kind: "text",
          text: `A new password was requested for your account at ${shopName}. You can choose it on this page:`,
        },
        { kind: "link", label: "Choose a new password", url },
        {
          kind: "text",
          text: `The link works once, for ${minutes} minutes: until ${end}. Your devices are then signed out.`,
        },
        {
          kind: "note",
          text: "If you did not request this, ignore this mail: your password stays as it is. Do not pass the link on.",
        },
      ],
    };
  },
};

function requestOf({ data, kind }: Mail): Request {
  if (
    typeof data !== "object" ||
    data === null ||
    !("userId" in data && "updatedAt" in data && "expiresAt" in data)
  )
    throw new Error(`a mail ${kind} has no request`);
  return data as Request;
}
