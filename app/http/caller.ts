// The caller of a request: a user or an admin key.

/** The role of an account. */
export type Role = "customer" | "admin";

/** A signed-in user, or a script with an admin key. The `userId` of a key is `key:<name>`, never that of a user. */
export type Caller = { userId: string; role: Role; kind: "user" | "key" };

/** The `userId` of the key with this name. */
export const keyId = (name: string): string => `key:${name}`;
