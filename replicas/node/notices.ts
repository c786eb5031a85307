// Notices to the primary's door that requests wait here for a version: few, however many wait.
import type { Position } from "../../db/database.ts";
import { DOOR } from "../../db/server/door-protocol.ts";
import type { Server } from "../../db/server/pipeline.ts";
import { sendTo } from "../../db/server/request.ts";
import { isAsNew } from "./waiters.ts";

export type Notices = {
  /** Tells the door that a request waits for this position. Never throws: a door that does not hear it is waited for as before. */
  tell(position: Position): void;
};

/** Between two notices; requests that come meanwhile need one for the newest of their positions. */
const PAUSE_MS = 20;
/** A notice that takes longer is given up. */
const NOTICE_MS = 250;

/** Opens the notices to the door of this server. */
export function openNotices(server: Server): Notices {
  let newest: Position | null = null;
  let isTelling = false;

  const run = async (): Promise<void> => {
    isTelling = true;
    while (newest !== null) {
      const position: Position = newest;
      const pause = Bun.sleep(PAUSE_MS);
      const signal = AbortSignal.timeout(NOTICE_MS);
      await sendTo(server, DOOR.waiting, { method: "POST", body: position, signal }).catch(() => {});
      await pause;
      // What came meanwhile and was told is not told again.
      if (isAsNew(position, newest)) newest = null;
    }
    isTelling = false;
  };
  return {
    tell(position) {
      if (!isAsNew(newest, position)) newest = position;
      if (!isTelling) void run();
    },
  };
}
