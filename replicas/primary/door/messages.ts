// What the supervisor tells the door, as one line of JSON each on its standard input, and what the door tells it.

/** The certificate and its key, as PEM. */
export type Tls = { cert: string; key: string };

/** A life of sqld: from its start to its end. The tokens are of this life alone. */
export type SqldLife = { url: string; writeToken: string; readToken: string };

/**
 * `open` comes first and once. `keys` comes before the door lets anyone in, and again whenever keys or revoked tokens change:
 * `publicKeys` are the PEM texts by which tokens are checked, `revoked` the ids of tokens that are refused. `sqld` comes when sqld
 * can write, `gone` when it has ended, `end` when the door shall finish what is under way and end.
 */
export type DoorMessage =
  | { kind: "open"; listen: string; tls: Tls | null }
  | { kind: "keys"; datasetId: string; publicKeys: string[]; revoked: string[] }
  | ({ kind: "sqld" } & SqldLife)
  | { kind: "gone" }
  | { kind: "end" };

/** The line that the door prints once it listens; every other line is for the operator. */
export const LISTENING = "the door listens";
