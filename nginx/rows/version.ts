// Rows about `Insole-Version`: a version bypasses the cache and refreshes it; anything else changes nothing.
import { expectHeader, expectStatus, type Row, requestUntilHit } from "./row.ts";

/** In the form of a version, without a valid signature. */
const FORGED = "0123abcd.42.AAAAAAAAAAAAAAAA";
const BYPASSED = /insole-edge; fwd=bypass$/;

export const VERSION_ROWS: Row[] = [
  {
    rule: "a version bypasses the cache, as a header and as a cookie",
    async check(client) {
      const path = client.nextShoe();
      const versions: Record<string, string>[] = [
        { "insole-version": FORGED },
        { cookie: `a=b; insole_version=${FORGED}; c=d` },
        { cookie: `__Host-insole_version=${FORGED}` },
        { cookie: `a=b;__Host-insole_version=${FORGED}; c=d` },
        { cookie: `insole_version=; __Host-insole_version=${FORGED}` },
      ];
      for (const headers of versions) {
        await requestUntilHit(client, path);
        const response = await client.send(path, { headers });
        expectStatus(response, 200);
        expectHeader(response, "cache-status", BYPASSED);
        expectHeader(response, "insole-version", null);
      }
    },
  },
  {
    rule: "the response to a version is cached: the next request without one is a hit",
    async check(client) {
      for (let tries = 0; ; tries += 1) {
        const path = client.nextShoe();
        await client.send(path, { headers: { "insole-version": FORGED } });
        const { headers } = await client.send(path);
        if (headers["cache-status"] === "insole-edge; hit") return;
        if (tries === 4) throw new Error(`Cache-Status is ${headers["cache-status"]}`);
      }
    },
  },
  {
    rule: "a value without the form of a version changes nothing",
    async check(client) {
      const path = client.nextShoe();
      for (const version of ["absurd", `${FORGED}A`, "XYZ.1.AAAAAAAAAAAAAAAA", "a".repeat(2_000)])
        await requestUntilHit(client, path, { headers: { "insole-version": version } });
      for (const cookie of [
        `__Host-insole_version=${FORGED}A`,
        `x__Host-insole_version=${FORGED}`,
        `a=__Host-insole_version=${FORGED}`,
        `insole-version=${FORGED}`,
      ])
        await requestUntilHit(client, path, { headers: { cookie } });
      // As in the app, a header goes before the cookie, even without the form of a version.
      const headers = { "insole-version": "absurd", cookie: `insole_version=${FORGED}` };
      await requestUntilHit(client, path, { headers });
    },
  },
];
