// The message of anything thrown, as a log keeps it and as a command prints it.

/** The message of an error, or the thrown value as text. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

/** One sentence for a command to print. The argument parser adds advice in further sentences, which are left out. */
export function sentenceOf(thrown: unknown): string {
  const message = messageOf(thrown);
  const isUsage = thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("ERR_PARSE");
  return isUsage ? `${message.split(/\.\s/, 1)[0]} (-h shows the usage)` : message;
}
