// Insole-Version: how new the shop was after a write, signed, so that a read can ask to be at least as new.
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

const HEADER = "insole-version";
const COOKIE = "insole_version";
const COOKIE_AGE_SECONDS = 10;
const MAC_BYTES = 12;
const TEXT = /^([0-9a-f]{1,32})\.(\d{1,15})\.([\w-]{16})$/;
const IN_COOKIES = /(?:^|;\s*)insole_version=([\w.-]{1,80})/;

export type Versions = ReturnType<typeof openVersions>;

export type VersionOptions = {
  /** The first signs, all verify. */
  secrets: readonly string[];
  generation(): string;
  /** How far the change feed has been read. */
  position(): number;
  isSecure: boolean;
};

/** Issues versions and reads those that come back. */
export function openVersions({ secrets, generation, position, isSecure }: VersionOptions) {
  const keys = secrets.map((secret) => Buffer.from(hkdfSync("sha256", secret, "", HEADER, 32)));
  const macOf = (key: Buffer, text: string) =>
    createHmac("sha256", key).update(text).digest().subarray(0, MAC_BYTES);
  let issued = { generation: "", seq: -1, headers: [] as [string, string][] };
  let verified = { text: "", seq: 0 };

  const verify = (text: string): number => {
    const [, madeIn = "", seq = "", mac = ""] = TEXT.exec(text) ?? [];
    if (madeIn === "" || madeIn !== generation()) return 0;
    const given = Buffer.from(mac, "base64url");
    const isOurs = keys.some((key) => timingSafeEqual(macOf(key, `${madeIn}.${seq}`), given));
    return isOurs ? Number(seq) : 0;
  };

  return {
    position,
    /** The headers that an answer to a write carries, for where the feed stands now. */
    headers(): [string, string][] {
      const seq = position();
      if (issued.seq !== seq || issued.generation !== generation()) {
        const text = `${generation()}.${seq}`;
        const version = `${text}.${macOf(keys[0] ?? Buffer.alloc(0), text).toString("base64url")}`;
        const cookie = `${COOKIE}=${version}; Max-Age=${COOKIE_AGE_SECONDS}; Path=/; HttpOnly; SameSite=Lax`;
        const headers: [string, string][] = [
          [HEADER, version],
          ["set-cookie", isSecure ? `${cookie}; Secure` : cookie],
        ];
        issued = { generation: generation(), seq, headers };
      }
      return issued.headers;
    },
    /** The `seq` that a request asks for at least; 0 where it asks for none, or by a version that is not ours. */
    sinceOf(headers: Headers): number {
      const text = headers.get(HEADER) ?? cookieIn(headers.get("cookie"));
      if (text === null) return 0;
      if (text !== verified.text) verified = { text, seq: verify(text) };
      return verified.seq;
    },
  };
}

function cookieIn(cookies: string | null): string | null {
  return cookies === null || !cookies.includes(COOKIE) ? null : (IN_COOKIES.exec(cookies)?.[1] ?? null);
}
