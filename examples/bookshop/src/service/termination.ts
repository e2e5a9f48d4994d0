// What every app does when Kubernetes tells it to end: first a moment in which it still serves, then no more.

const LAST_ADDRESS_MS = 300;
const LAST_REQUEST_MS = 10_000;

export interface Ending {
  /** At once: ask clients to go elsewhere. */
  readonly begin?: () => void;
  /** Then: accept nothing new; call `done` when all that was begun has ended. */
  readonly end: (done: () => void) => void;
}

/** On SIGTERM or SIGINT. Exits with 0, at the latest after ten seconds. */
export function onTermination(name: string, ending: Ending): void {
  const terminate = () => {
    console.log(`${name} ending`);
    ending.begin?.();
    setTimeout(() => ending.end(() => process.exit(0)), LAST_ADDRESS_MS);
    setTimeout(() => process.exit(0), LAST_REQUEST_MS);
  };
  process.once("SIGTERM", terminate);
  process.once("SIGINT", terminate);
}
