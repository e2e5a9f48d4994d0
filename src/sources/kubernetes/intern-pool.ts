// Equal strings and label maps share one copy: the pods of a Deployment repeat the same ones thousands of times.
// The pool is bounded: what wasn't asked for lately is forgotten, and then merely stored twice.

type Record = Readonly<globalThis.Record<string, string>>;

export interface InternPool {
  string(value: string): string;
  /** The result is frozen, since many objects share it. */
  record(value: Record): Record;
}

const DEFAULT_ENTRIES_PER_GENERATION = 20_000;

export function createInternPool(entriesPerGeneration = DEFAULT_ENTRIES_PER_GENERATION): InternPool {
  const strings = createGenerations<string>(entriesPerGeneration);
  const records = createGenerations<Record>(entriesPerGeneration);
  const string = (value: string) => strings.get(value, () => value);
  return {
    string,
    record: (value) =>
      records.get(JSON.stringify(value), () =>
        Object.freeze(
          Object.fromEntries(Object.entries(value).map(([name, text]) => [string(name), string(text)])),
        ),
      ),
  };
}

/** Two maps: when the young one is full it becomes the old one, and the old one is dropped. */
function createGenerations<Value>(capacity: number) {
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();
  return {
    get(key: string, make: () => Value): Value {
      const known = young.get(key);
      if (known !== undefined) return known;
      const value = old.get(key) ?? make();
      if (young.size >= capacity) [young, old] = [new Map(), young];
      young.set(key, value);
      return value;
    },
  };
}
