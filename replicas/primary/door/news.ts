// News: something was committed. The writing side of the door raises it, the replication side lets held requests go.

export type News = {
  /** Notes that the log has new frames, or may have. */
  raise(): void;
  /** Counts the calls of `raise`. */
  count(): number;
  /** Sets what each `raise` calls; a second call replaces the first. */
  onRaise(callback: () => void): void;
};

/** Opens news that nobody listens to. */
export function openNews(): News {
  let count = 0;
  let call = (): void => {};
  return {
    raise() {
      count += 1;
      call();
    },
    count: () => count,
    onRaise(callback) {
      call = callback;
    },
  };
}
