// The ceiling of registrations: the shop's own hash of passwords alone, in a loop; prints hashes per second, and per second of CPU time.

import { openPasswords } from "../../app/accounts/passwords.ts";
import { MICROSECONDS } from "../metrics/proc.ts";

const PASSWORD = "a-password-of-the-bench";

/** The costs that a stored argon2id hash was made with. */
export function costsOf(hash: string): { memoryCost: number; timeCost: number } {
  const [, memory, time] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$/.exec(hash) ?? [];
  if (memory === undefined || time === undefined) throw new Error("the shop does not hash by argon2id");
  return { memoryCost: Number(memory), timeCost: Number(time) };
}

if (import.meta.main) {
  const ms = Number(process.argv[2] ?? "1") * 1_000;
  // Made by the shop, so that its costs are the shop's, whatever they are by now.
  const costs = costsOf(await openPasswords().hash(PASSWORD));
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  let count = 0;
  for (; performance.now() - startedAt < ms; count += 1)
    Bun.password.hashSync(PASSWORD, { algorithm: "argon2id", ...costs });
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const perCpuSecond = (count / (user + system)) * MICROSECONDS;
  process.stdout.write(`${JSON.stringify({ perSecond: count / seconds, perCpuSecond })}\n`);
}
