// The caller of a request: a user or an admin key, as routes and rooms see it.

export type Role = "customer" | "admin";

/** A signed-in user, or a script with an admin key; a key's `userId` is `key:<name>`, which no user's id is. */
export type Caller = { userId: string; role: Role; kind: "user" | "key" };

/** The name of a key in the place of a user's id. */
export const keyId = (name: string): string => `key:${name}`;
