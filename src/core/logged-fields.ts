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

type StackText = (stack: string) => string;

/**
 * The same fields, with each Error under any key, or in a list under one, turned into a plain value. `stackText` rewrites
 * stacks.
 */
export function loggedFields(
  fields: object,
  stackText: StackText = (stack) => stack,
): Record<string, unknown> {
  const loggedOrItself = (value: unknown): unknown =>
    value instanceof Error ? loggedError(value, { depth: 0, stackText }) : value;
  const logged = (value: unknown): unknown =>
    Array.isArray(value) && value.some((item) => item instanceof Error)
      ? value.map(loggedOrItself)
      : loggedOrItself(value);
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, logged(value)]));
}

interface Writing {
  readonly depth: number;
  readonly stackText: StackText;
}

function loggedError(error: Error, { depth, stackText }: Writing): LoggedError {
  const { name, message, stack, cause } = error;
  const { code } = error as { readonly code?: unknown };
  const isDeepest = depth >= MAX_DEPTH;
  const below = { depth: depth + 1, stackText };
  return {
    type: name,
    message,
    ...(stack === undefined ? {} : { stack: stackText(stack) }),
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(cause === undefined || isDeepest ? {} : { cause: causeOf(cause, below) }),
    ...(error instanceof AggregateError && !isDeepest
      ? { errors: error.errors.slice(0, MAX_AGGREGATED).map((each) => causeOf(each, below)) }
      : {}),
  };
}

/** Anything can be thrown; what isn't an Error is told in words, for it may hold whatever. */
function causeOf(cause: unknown, writing: Writing): unknown {
  return cause instanceof Error ? loggedError(cause, writing) : String(cause);
}
