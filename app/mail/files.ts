// Mails as files, where no mail server is set: a developer opens them with any mail program.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MailError, type Transport } from "./transport.ts";

/** Opens the transport; each mail becomes an `.eml` file in the folder, named by its Message-ID. */
export const openFiles = (folder: string): Transport => ({
  async send({ name, bytes }) {
    const path = join(folder, `${name.replace(/@.*/, "")}.eml`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(`${path}.part`, bytes, { mode: 0o600 });
      await rename(`${path}.part`, path);
      return [];
    } catch (thrown) {
      throw new MailError(String(thrown), true);
    }
  },
  close: () => undefined,
});
