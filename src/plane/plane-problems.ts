// Everything that a control plane knows to be wrong: in objects, between them, what Envoys refused, and where the program
// itself failed.

import { locatedProblems, refusalProblems } from "../admin/fleet-report.ts";
import type { Problem } from "../core/problem.ts";
import type { ControlPlane } from "./create-control-plane.ts";
import { rowFailureProblems } from "./row-failures.ts";

/** `ofObjects` were found when the objects were read. */
export function planeProblems(
  { graph, problems, fleet, intake }: ControlPlane,
  ofObjects: Iterable<readonly Problem[]> = [],
): readonly Problem[] {
  const locate = intake.locate.bind(intake);
  const found = [...problems.entries()].map(([, ofObject]) => ofObject);
  return [
    ...[...ofObjects].flat(),
    ...locatedProblems([...found, rowFailureProblems(graph.failures())], locate),
    ...refusalProblems(fleet, locate),
  ];
}

/** Calls when any of them may have changed, but for those of objects as they are read; returns what ends it. */
export function watchPlaneProblems(
  { graph, problems, fleet }: ControlPlane,
  listener: () => void,
): () => void {
  const ends = [problems.watch(listener), fleet.watchRefusals(listener), graph.watchFailures(listener)];
  return () => {
    for (const end of ends) end();
  };
}
