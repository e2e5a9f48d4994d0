// Bounds how many pieces of work run at once; the others wait in order.

/** `count` at a time; the returned function runs its argument when it is its turn. */
export function takeTurns(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let runningCount = 0;
  return async (work) => {
    if (runningCount >= count) await new Promise<void>((resolve) => waiting.push(resolve));
    else runningCount += 1;
    try {
      return await work();
    } finally {
      // The turn is handed on, so that nobody who comes now can slip in between.
      const next = waiting.shift();
      if (next === undefined) runningCount -= 1;
      else next();
    }
  };
}
