// Dice that fall the same way for the same seed, so that what a run finds can be found again.

export interface SeededRandom {
  /** A whole number below `bound`. */
  below(bound: number): number;
  /** True once in `times`. */
  oneIn(times: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
  bytes(count: number): Buffer;
}

/** mulberry32. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    below,
    oneIn: (times) => below(times) === 0,
    pick: (items) => items[below(items.length)] ?? items[0],
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => below(256))),
  };
}
