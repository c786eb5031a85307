// Password resets for those who send them: the routes of the API and the forms of the pages, with the same rules.
import type { Fields } from "../http/body.ts";
import type { Clients } from "../limits/client.ts";
import { Forgot, Reset } from "./fields.ts";
import { type ResetServices, requestReset, resetEmailOf, resetPassword } from "./reset.ts";
import { openVisits } from "./visitors.ts";

/** Password resets; each function throws the `Problem` 400 for fields that break their rules. */
export type Resets = {
  /** Adds the mail with the link, if an account has the address in the fields; does the same work if none has. */
  request(fields: Fields): Promise<void>;
  /** The address of the account whose password a token would set; `null` for a token that does not work. */
  emailOf(token: string): Promise<string | null>;
  /** Sets the password in the fields for the token in them, for the client of the request. */
  reset(request: Request, fields: Fields): Promise<void>;
};

/** Opens the resets of a shop. */
export function openResets(services: ResetServices & { clients: Clients; patienceMs: number }): Resets {
  const visit = openVisits(services);
  return {
    request: async (fields) => requestReset(services, Forgot.read(fields).email),
    emailOf: (token) => resetEmailOf(services, token),
    async reset(request, fields) {
      const input = Reset.read(fields);
      await visit(request, (visitor) => resetPassword(services, input, visitor));
    },
  };
}
