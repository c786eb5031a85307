// A shop whose mails about passwords arrive at a real mail server, with a clock that tests set.
import type { Database, Statement } from "../../db/database.ts";
import { must } from "../../db/must.ts";
import { openPasswords } from "../accounts/passwords.ts";
import { type MailServer, openMailServer, parseMail } from "./mail-server.ts";
import { ask } from "./people.ts";
import { type ObservedShop, openObservedShop } from "./shop.ts";

const START_MS = Date.UTC(2030, 0, 1);

export type ResetShop = {
  shop: ObservedShop;
  server: MailServer;
  clock: { nowMs: number };
  /** The writes so far, each as its statements. */
  writes: Statement[][];
  /** Fails the next writes, until it is `null` again. */
  failure: { error: Error | null };
  /** Passwords that were hashed. */
  hashed: string[];
  close(): Promise<void>;
};

/** Opens the shop; its clock stands still. */
export async function openResetShop(
  secrets: string[] = ["the secret of a shop that resets"],
): Promise<ResetShop> {
  const server = await openMailServer();
  const clock = { nowMs: START_MS };
  const writes: Statement[][] = [];
  const failure: ResetShop["failure"] = { error: null };
  const hashed: string[] = [];
  const noting = (file: Database): Database => ({
    ...file,
    async write(statements, writeId) {
      writes.push(statements);
      if (failure.error) throw failure.error;
      return file.write(statements, writeId);
    },
  });
  const quick = openPasswords({ cost: { memoryCost: 8, timeCost: 1 } });
  const shop = await openObservedShop([], true, {
    now: () => clock.nowMs,
    secrets,
    before: noting,
    wait: async () => undefined,
    settings: { SMTP_URL: server.url, MAIL_FROM: "Insole <shop@insole.example>", SHOP_NAME: "Insole & Sons" },
    passwords: {
      ...quick,
      hash(password, visitor) {
        hashed.push(password);
        return quick.hash(password, visitor);
      },
    },
  });
  const close = async () => {
    await shop.close();
    await server.close();
  };
  return { shop, server, clock, writes, failure, hashed, close };
}

/** Requests a mail; returns the status. */
export const forgot = async ({ shop }: Pick<ResetShop, "shop">, email: unknown): Promise<number> =>
  (await ask(shop, "POST", "/api/auth/forgot", { body: { email } })).status;

/** Requests a mail, lets it be sent, and returns the token of its link. */
export async function mailedToken(open: ResetShop, email: string): Promise<string> {
  await forgot(open, email);
  await open.shop.mail.run();
  return tokenIn(open.server);
}

/** The token in the newest mail. */
export async function tokenIn({ received }: MailServer): Promise<string> {
  const { text = "" } = await parseMail(must(received.at(-1), "a mail"));
  return must(/\/account\/reset\?token=(\S+)/.exec(text)?.[1], "the link");
}
