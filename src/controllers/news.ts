// Whether there is something to do: told by whoever notices it, awaited by the one who does it.

export interface News {
  /** There is something; told twice before it is taken, it counts once. */
  tell(): void;
  /** Resolves as soon as there is something, which is taken by that, or the signal aborts. */
  next(): Promise<void>;
}

export function createNews(signal: AbortSignal): News {
  let isThere = false;
  let wake: () => void = () => undefined;
  signal.addEventListener("abort", () => wake());
  return {
    tell() {
      isThere = true;
      wake();
    },
    async next() {
      if (!isThere && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      isThere = false;
    },
  };
}
