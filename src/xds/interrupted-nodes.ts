// Which clients lost their stream while clusters may have been warming, by their sessions' keys. Kept in memory: after a
// restart of this process Envoy's own timeout (15 s) ends such a wait.

/** Beyond this many the longest remembered are forgotten. */
const MAX_CLIENTS = 10_000;

export interface InterruptedNodes {
  add(clientKey: string): void;
  /** Whether the client was interrupted; it isn't remembered any longer. */
  take(clientKey: string): boolean;
}

export function createInterruptedNodes(): InterruptedNodes {
  const clientKeys = new Set<string>();
  return {
    add(clientKey) {
      clientKeys.delete(clientKey);
      clientKeys.add(clientKey);
      for (const oldest of clientKeys) {
        if (clientKeys.size <= MAX_CLIENTS) break;
        clientKeys.delete(oldest);
      }
    },
    take: (clientKey) => clientKeys.delete(clientKey),
  };
}
