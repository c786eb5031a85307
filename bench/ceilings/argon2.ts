// The ceiling of registrations: the shop's password hash in a loop. Prints its rate per second, and per CPU second.
import { openPasswords } from "../../app/accounts/passwords.ts";
import { MICROSECONDS } from "../metrics/proc.ts";

const PASSWORD = "a-password-of-the-bench";

/** The cost parameters of a stored argon2id hash. */
export function costsOf(hash: string): { memoryCost: number; timeCost: number } {
  const [, memory, time] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$/.exec(hash) ?? [];
  if (memory === undefined || time === undefined) throw new Error("the shop does not hash by argon2id");
  return { memoryCost: Number(memory), timeCost: Number(time) };
}

if (import.meta.main) {
  const ms = Number(process.argv[2] ?? "1") * 1_000;
  // Read from a hash of the shop, so that the costs are the shop's.
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
