// The rows about `Insole-Version`: past what is kept, and keeping what comes; only where it can be one.
import { askUntilHit, expectHeader, expectStatus, type Row } from "./row.ts";

/** In the form of a version, signed by nobody. */
const FORGED = "0123abcd.42.AAAAAAAAAAAAAAAA";
const BYPASSED = /insole-edge; fwd=bypass$/;

export const VERSION_ROWS: Row[] = [
  {
    says: "a version goes past what is kept, as header and as cookie",
    async check(asker) {
      const path = asker.freshShoe();
      const bearers: Record<string, string>[] = [
        { "insole-version": FORGED },
        { cookie: `a=b; insole_version=${FORGED}; c=d` },
      ];
      for (const headers of bearers) {
        await askUntilHit(asker, path);
        const reply = await asker.at(path, { headers });
        expectStatus(reply, 200);
        expectHeader(reply, "cache-status", BYPASSED);
        expectHeader(reply, "insole-version", null);
      }
    },
  },
  {
    says: "what came for a version is kept: the next without one is a hit",
    async check(asker) {
      for (let tries = 0; ; tries += 1) {
        const path = asker.freshShoe();
        await asker.at(path, { headers: { "insole-version": FORGED } });
        const { headers } = await asker.at(path);
        if (headers["cache-status"] === "insole-edge; hit") return;
        if (tries === 4) throw new Error(`it is ${headers["cache-status"]}`);
      }
    },
  },
  {
    says: "what cannot be a version changes nothing",
    async check(asker) {
      const path = asker.freshShoe();
      for (const version of ["absurd", `${FORGED}A`, "XYZ.1.AAAAAAAAAAAAAAAA", "a".repeat(2_000)])
        await askUntilHit(asker, path, { headers: { "insole-version": version } });
      // As in the app: a header, whatever it says, goes before the cookie.
      const headers = { "insole-version": "absurd", cookie: `insole_version=${FORGED}` };
      await askUntilHit(asker, path, { headers });
    },
  },
];
