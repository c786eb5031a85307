// Shops that send mails: with chosen times of their sender, and a mail server that costs next to no CPU.
import { freePort } from "../../db/ports.ts";
import { type Child, waitFor } from "../harness/children.ts";
import type { Bench } from "../harness/scenario.ts";

/** The program that starts a shop with other times of its mail, given as JSON. */
const MAILING_SHOP = "app/testing/mails/mailing-shop.ts";
const SINK = "bench/load/smtp-sink.ts";
const READY = { everyMs: 5, msMax: 10_000 };

/** The shop with these times of the sender; others than these are the program's own. */
export const mailingShop = (times: { lookMs?: number }): string[] => [MAILING_SHOP, JSON.stringify(times)];

/** A sender that does not look at the outbox while a bench runs. */
export const NEVER = { lookMs: 86_400_000 };

/** A mail server, and the settings of a shop that sends to it. */
export type Sink = { child: Child; env: Record<string, string> };

/** Starts a mail server; one that hangs never answers the content of a mail. */
export async function bootSink({ children, cores }: Bench, { isHanging = false } = {}): Promise<Sink> {
  const port = freePort();
  const hang = isHanging ? ["--hang"] : [];
  const child = children.start([SINK, "--port", String(port), ...hang], { cores: cores.load });
  await waitFor(child, "the mail server does not listen", READY, () => listens(port));
  return {
    child,
    env: {
      SMTP_URL: `smtp://127.0.0.1:${port}`,
      MAIL_FROM: "Insole <shop@shop.example>",
      ADMIN_ALERT_EMAIL: "staff@shop.example",
      // Mails lead there.
      PUBLIC_URL: "https://shop.example",
    },
  };
}

async function listens(port: number): Promise<true | null> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data: () => undefined } });
    socket.end();
    return true;
  } catch {
    return null;
  }
}
