// The mask of secrets in addresses and messages before they are logged: tokens, passwords and the e-mail addresses that
// somebody looks for become `***`.

const MASK = "***";

/** Parts of a parameter's name, compared without case and punctuation, whose values are secret. */
const SECRET_PARTS = /token|secret|passw(?:or)?d|passphrase|pwd|auth|sess(?:ion|id)|credential|apikey/;
/** Words of a parameter's name whose values are secret. */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  "key",
  "jwt",
  "sig",
  "signature",
  "code",
  "bearer",
  "pass",
  "pin",
  "otp",
  "sid",
  "email",
]);

/** Secrets that are recognised wherever they stand: a JWT, an admin key, and what follows the word Bearer. */
const MARKED = /\beyJ[\w-]{6,}(?:\.[\w-]*)+|\binsole_key_[\w-]+|\b[Bb]earer[ +]+[^\s&"']+/g;
/** 43 characters of base64url in both cases, which 256 random bits are, such as a refresh token; a slug has one case. */
const OPAQUE = /(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{43}(?![\w-])/g;
const USER = /\/\/[^/?#\s]*@/g;

/** Names may be encoded more than once. */
const DECODINGS_MAX = 3;
const WORD_ENDS = /[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/;

/** An address as it may be logged, of any form and encoding; an address without a secret stays itself. */
export function maskAddress(address: string): string {
  const end = address.search(/[?#]/);
  const path = end === -1 ? address : address.slice(0, end);
  const rest = end === -1 ? "" : address.slice(end);
  return maskPath(path) + rest.replace(/[^?&#]+/g, maskPair);
}

/** A message as it may be logged: only secrets that are recognised by themselves are masked. */
export const maskMessage = (message: string): string =>
  message.replace(USER, `//${MASK}@`).replace(MARKED, MASK).replace(OPAQUE, MASK);

const maskPath = (path: string): string =>
  path.replace(USER, `//${MASK}@`).replace(/[^/]+/g, (segment) => (holdsSecret(segment) ? MASK : segment));

/** One parameter, with its name where it has one. */
function maskPair(pair: string): string {
  const end = pair.indexOf("=");
  if (end === -1) return holdsSecret(pair) ? MASK : pair;
  const name = pair.slice(0, end);
  if (holdsSecret(name)) return MASK;
  const isSecret = isSecretName(decode(name)) || holdsSecret(pair.slice(end + 1));
  return isSecret && end + 1 < pair.length ? `${name}=${MASK}` : pair;
}

/** Whether a text holds a secret value, a user with a password, or in turn a parameter or a JSON member with a secret name. */
function holdsSecret(text: string): boolean {
  const decoded = decode(text);
  if (maskMessage(decoded) !== decoded) return true;
  return decoded.split(/[?&#;,\s/{}]/).some((pair) => {
    const end = pair.search(/=|":/);
    return end > 0 && end + 1 < pair.length && isSecretName(pair.slice(0, end));
  });
}

function isSecretName(name: string): boolean {
  const words = name.split(WORD_ENDS).map((word) => word.toLowerCase());
  return SECRET_PARTS.test(words.join("")) || words.some((word) => SECRET_WORDS.has(word));
}

/** Decodes byte by byte, which suffices for names and tokens and never fails, until nothing is encoded any more. */
function decode(text: string): string {
  let decoded = text;
  for (let round = 0; round < DECODINGS_MAX && decoded.includes("%"); round += 1)
    decoded = decoded.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return decoded;
}
