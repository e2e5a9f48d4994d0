// Everything that a control plane knows to be wrong: in objects, between them, and what Envoys refused.

import { locatedProblems, refusalProblems } from "../admin/fleet-report.ts";
import type { Problem } from "../core/problem.ts";
import type { ControlPlane } from "./create-control-plane.ts";

/** `ofObjects` were found when the objects were read. */
export function planeProblems(
  { problems, fleet, intake }: ControlPlane,
  ofObjects: Iterable<readonly Problem[]> = [],
): readonly Problem[] {
  const locate = intake.locate.bind(intake);
  const found = [...problems.entries()].map(([, ofObject]) => ofObject);
  return [...[...ofObjects].flat(), ...locatedProblems(found, locate), ...refusalProblems(fleet, locate)];
}
