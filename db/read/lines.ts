// Lines of waiting items, one for each client, that are served in turn. An item may stand in the lines of several clients.

export type Lines<T> = {
  /** Puts the item at the end of the client's line; a client without a line gets one behind all others. */
  add(client: string, item: T): void;
  remove(client: string, item: T): void;
  /** The oldest item of the client whose turn it is, which then has its next turn after all others; the caller removes it. */
  next(): T | undefined;
  /** The client with the most items, and its newest item; of several such clients the one whose turn is last. */
  longest(): { client: string; newest: T } | undefined;
  /** Clients with a line. */
  clients(): number;
};

/** Opens no lines yet. */
export function openLines<T>(): Lines<T> {
  // In the order of their next turns.
  const lines = new Map<string, T[]>();
  return {
    add(client, item) {
      const line = lines.get(client);
      if (line === undefined) lines.set(client, [item]);
      else line.push(item);
    },
    remove(client, item) {
      const line = lines.get(client) ?? [];
      const index = line.lastIndexOf(item);
      if (index !== -1) line.splice(index, 1);
      if (line.length === 0) lines.delete(client);
    },
    next() {
      const [first] = lines;
      if (first === undefined) return undefined;
      const [client, line] = first;
      lines.delete(client);
      lines.set(client, line);
      return line[0];
    },
    longest() {
      let longest: { client: string; line: T[] } | undefined;
      for (const [client, line] of lines)
        if (line.length >= (longest?.line.length ?? 0)) longest = { client, line };
      const newest = longest?.line.at(-1);
      return longest && newest !== undefined ? { client: longest.client, newest } : undefined;
    },
    clients: () => lines.size,
  };
}
