// Finds cycles in a directed graph: strongly connected components, by Tarjan's algorithm, and one walk
// through each.

export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** One cycle for each knot of files, as a walk whose last entry is its first: `["a", "b", "a"]`. */
export function findCycles(edges: readonly Edge[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of edges) targets.set(from, [...(targets.get(from) ?? []), to]);
  const cycles: string[][] = [];
  for (const knot of stronglyConnected(targets)) {
    const cycle = walkCycle(knot, targets);
    if (cycle !== undefined) cycles.push(cycle);
  }
  return cycles;
}

function stronglyConnected(targets: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const stack: string[] = [];
  const knots: string[][] = [];
  const visit = (node: string): number => {
    const index = order.size;
    order.set(node, index);
    stack.push(node);
    let low = index;
    for (const target of targets.get(node) ?? []) {
      if (!order.has(target)) low = Math.min(low, visit(target));
      else if (stack.includes(target)) low = Math.min(low, order.get(target) ?? low);
    }
    if (low === index) knots.push(stack.splice(stack.indexOf(node)));
    return low;
  };
  for (const node of [...targets.keys()].sort()) if (!order.has(node)) visit(node);
  return knots;
}

/** A shortest way from the knot's first file back to itself; undefined for a single file that doesn't import itself. */
function walkCycle(
  knot: readonly string[],
  targets: ReadonlyMap<string, readonly string[]>,
): string[] | undefined {
  const start = [...knot].sort()[0] ?? "";
  const walks: string[][] = [[start]];
  const seen = new Set<string>();
  for (let walk = walks.shift(); walk !== undefined; walk = walks.shift()) {
    for (const target of targets.get(walk.at(-1) ?? "") ?? []) {
      if (target === start) return [...walk, start];
      if (!knot.includes(target) || seen.has(target)) continue;
      seen.add(target);
      walks.push([...walk, target]);
    }
  }
  return undefined;
}
