// Which nodes lost their stream while clusters may have been warming. Kept in memory: after a restart of this process
// Envoy's own timeout (15 s) ends such a wait.

/** Beyond this many the longest remembered are forgotten. */
const MAX_NODES = 10_000;

export interface InterruptedNodes {
  add(nodeId: string): void;
  /** Whether the node was interrupted; it isn't remembered any longer. */
  take(nodeId: string): boolean;
}

export function createInterruptedNodes(): InterruptedNodes {
  const nodeIds = new Set<string>();
  return {
    add(nodeId) {
      nodeIds.delete(nodeId);
      nodeIds.add(nodeId);
      for (const oldest of nodeIds) {
        if (nodeIds.size <= MAX_NODES) break;
        nodeIds.delete(oldest);
      }
    },
    take: (nodeId) => nodeIds.delete(nodeId),
  };
}
