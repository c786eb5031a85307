// Nodes for tests: whole shops behind a real door, each with a replica of its own.
import { join } from "node:path";
import { openFile } from "../../db/file.ts";
import { openHandle } from "../../db/read/reader.ts";
import { migrate } from "../../db/schema/migrate.ts";
import type { TestDoor } from "../../replicas/testing/door.ts";
import { readConfig } from "../config.ts";
import { main, type Shop } from "../main.ts";
import type { Replacements } from "../services.ts";
import type { ShoeDraft } from "../shoes/write/draft.ts";
import { saveAll, silentLog } from "./shop.ts";

const CACHE_KB = 1_000;

/** Makes a database with these shoes, without their related ones, for `openTestDoor`; returns its path. */
export async function templateWith(folder: string, drafts: ShoeDraft[]): Promise<string> {
  const [made, template] = [join(folder, "made.db"), join(folder, "template.db")];
  migrate(made);
  const file = openFile(made);
  await saveAll(file, drafts, false);
  await file.close();
  const handle = openHandle(made, CACHE_KB);
  handle.exec(`VACUUM INTO '${template}'`);
  handle.close();
  return template;
}

type NodeOptions = {
  door: TestDoor;
  /** The node's own data folder. */
  dataDir: string;
  settings?: Record<string, string>;
  instead?: Replacements;
};

/** Starts a node without limits of requests. */
export const openTestNode = ({ door, dataDir, settings, instead = {} }: NodeOptions): Promise<Shop> =>
  main(
    readConfig({
      PORT: "0",
      DATABASE_URL: door.url,
      DATABASE_AUTH_TOKEN: `${door.writeToken},${door.readToken}`,
      DATA_DIR: dataDir,
      LOG_LEVEL: "error",
      JWT_SECRET: "the same secret on all of the nodes",
      RATE_LIMIT_MAX: "0",
      RATE_LIMIT_AUTH_MAX: "0",
      ...settings,
    }),
    silentLog,
    { instead },
  );
