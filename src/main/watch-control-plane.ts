// Asks the control plane now and then for the problems that it has found: what proxies refused, and why. While it
// doesn't answer (it is started again by itself), what it said last stands.

import type { ProblemList } from "../admin/contract/control-plane.ts";
import { CommandFailure } from "../cli/exit-code.ts";
import type { MeshClient } from "../cli/mesh-client.ts";
import type { Clock } from "../core/clock.ts";

const PERIOD_MS = 1_000;

/** Returns the function that ends it. */
export function watchControlPlane(
  mesh: Pick<MeshClient, "get">,
  clock: Clock,
  onProblems: (problems: ProblemList) => void,
): () => void {
  let cancel: (() => void) | undefined;
  let hasEnded = false;
  const ask = async () => {
    const problems = await answerOf(mesh);
    if (hasEnded) return;
    if (problems !== undefined) onProblems(problems);
    cancel = clock.after(PERIOD_MS, () => void ask());
  };
  cancel = clock.after(PERIOD_MS, () => void ask());
  return () => {
    hasEnded = true;
    cancel?.();
  };
}

async function answerOf(mesh: Pick<MeshClient, "get">): Promise<ProblemList | undefined> {
  try {
    return await mesh.get<ProblemList>("control-plane", "/problems");
  } catch (error) {
    if (error instanceof CommandFailure) return undefined;
    throw error;
  }
}
