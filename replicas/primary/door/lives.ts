// The lives of sqld as the door sees them: at most one at a time, and nothing of one life is used in the next.
import type { SqldLife } from "./messages.ts";

/** `ended` is aborted when sqld has ended: requests to it end, and so do those that wait for it. */
export type Life = SqldLife & { ended: AbortSignal };

export type Lives = {
  /** `null` while sqld does not run. */
  current(): Life | null;
  /** Begins a life; one that had not ended ends. */
  begin(sqld: SqldLife): void;
  end(): void;
};

/** Opens the lives without one. */
export function openLives(): Lives {
  let life: Life | null = null;
  let ending = new AbortController();
  const end = () => {
    life = null;
    ending.abort();
  };
  return {
    current: () => life,
    begin(sqld) {
      end();
      ending = new AbortController();
      life = { ...sqld, ended: ending.signal };
    },
    end,
  };
}
