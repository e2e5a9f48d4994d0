// How much each scope of a process's log says. The levels are Istio's, of which pino has all but `none`.

export const logLevels = ["none", "error", "warn", "info", "debug"] as const;

export type LogLevel = (typeof logLevels)[number];

export function isLogLevel(value: unknown): value is LogLevel {
  return (logLevels as readonly unknown[]).includes(value);
}

export interface LogScope {
  readonly name: string;
  readonly description: string;
  readonly level: LogLevel;
}

export interface LogLevelOptions {
  /** Of every scope, until it is changed. */
  readonly initial: LogLevel;
  /** Called for each scope at once, and whenever one changes. */
  readonly onChange: (scope: string, level: LogLevel) => void;
}

export class LogLevels {
  readonly #descriptions: Readonly<Record<string, string>>;
  readonly #onChange: (scope: string, level: LogLevel) => void;
  readonly #levels = new Map<string, LogLevel>();

  /** `descriptions` has a sentence on each scope, by its name. */
  constructor(descriptions: Readonly<Record<string, string>>, { initial, onChange }: LogLevelOptions) {
    this.#descriptions = descriptions;
    this.#onChange = onChange;
    for (const scope of Object.keys(descriptions).sort()) this.#put(scope, initial);
  }

  /** In the order of their names. */
  list(): readonly LogScope[] {
    return [...this.#levels].map(([name, level]) => {
      const description = this.#descriptions[name] ?? "";
      return { name, description, level };
    });
  }

  has(scope: string): boolean {
    return this.#levels.has(scope);
  }

  /** Throws a RangeError where there is no such scope. */
  set(scope: string, level: LogLevel): void {
    if (!this.has(scope)) throw new RangeError(`There is no scope "${scope}"`);
    if (this.#levels.get(scope) !== level) this.#put(scope, level);
  }

  #put(scope: string, level: LogLevel): void {
    this.#levels.set(scope, level);
    this.#onChange(scope, level);
  }
}
