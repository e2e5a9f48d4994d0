// Ends a switch over a union, so that a new member is a type error where it isn't handled.

export function assertNever(value: never): never {
  throw new Error(`Unhandled case: ${JSON.stringify(value)}`);
}
