// The kinds of mail by their names in the outbox.
import type { Kind } from "./kind.ts";
import { receipt } from "./kinds/receipt.ts";

const ALL: Kind[] = [receipt];

/** The kinds by name. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(ALL.map((kind) => [kind.name, kind]));
