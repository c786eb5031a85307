// Who sends a request, as routes and rooms see it.

export type Role = "customer" | "admin";

/** A signed-in user, or a script with an admin key; a key's `userId` is `key:<name>`, which no user's id is. */
export type Caller = { userId: string; role: Role; kind: "user" | "key" };

/** What a key is called where users have an id. */
export const keyId = (name: string): string => `key:${name}`;
