// Fields of a log line, made ready for JSON: an Error's own properties don't show there, so it would read `{}`.
// Of an error it gives what describes it and nothing that was hung on it: that may be a request with its credentials.

export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  /** Such as ECONNREFUSED. */
  readonly code?: string | number;
  readonly cause?: unknown;
  /** Of an AggregateError. */
  readonly errors?: readonly unknown[];
}

/** Deeper causes, or ones that refer back to themselves, are left out. */
const MAX_DEPTH = 8;
const MAX_AGGREGATED = 10;

/** The same fields, with each Error under any key, or in a list under one, turned into a plain value. */
export function loggedFields(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, logged(value)]));
}

function logged(value: unknown): unknown {
  if (Array.isArray(value) && value.some((item) => item instanceof Error))
    return value.map((item) => loggedValue(item, 0));
  return loggedValue(value, 0);
}

function loggedValue(value: unknown, depth: number): unknown {
  return value instanceof Error ? loggedError(value, depth) : value;
}

function loggedError(error: Error, depth: number): LoggedError {
  const { name, message, stack, cause } = error;
  const { code } = error as { readonly code?: unknown };
  const isDeepest = depth >= MAX_DEPTH;
  return {
    type: name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(cause === undefined || isDeepest ? {} : { cause: causeOf(cause, depth) }),
    ...(error instanceof AggregateError && !isDeepest
      ? { errors: error.errors.slice(0, MAX_AGGREGATED).map((each) => causeOf(each, depth)) }
      : {}),
  };
}

/** Anything can be thrown; what isn't an Error is told in words, for it may hold whatever. */
function causeOf(cause: unknown, depth: number): unknown {
  return cause instanceof Error ? loggedError(cause, depth + 1) : String(cause);
}
