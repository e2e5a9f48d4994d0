// The logger that rooms take as an argument; `main` passes pino, which has this shape.

/** Logs events, not prose: `log.info({ identity, ttlSeconds }, "certificate rotated")`. */
export interface Logger {
  debug(fields: object, event: string): void;
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}

function drop(): undefined {
  return undefined;
}

export const silentLogger: Logger = { debug: drop, info: drop, warn: drop, error: drop };
