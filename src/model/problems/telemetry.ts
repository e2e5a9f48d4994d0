// Telemetry objects that have no effect, as an older one of the same scope stands before them.

import type { Problem } from "../../core/problem.ts";
import type { Telemetry } from "../../kinds/telemetry/telemetry.ts";
import { byAge } from "../service.ts";
import { ageOf, choiceText, rivalsOf } from "../workload-policies.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkTelemetryScope(
  object: Telemetry,
  { read, model, settings }: CheckContext,
): Iterable<Problem> {
  const { namespace, name } = object.metadata;
  const { telemetries } = model;
  const [oldest] = rivalsOf(read, telemetries, object).filter(({ metadata }) => metadata.name !== name);
  if (oldest === undefined || byAge(ageOf(oldest), ageOf(object)) > 0) return;
  const scope = choiceText(telemetries.kind.choiceOf(object));
  const isMesh = namespace === settings.rootNamespace;
  const subject =
    scope !== "" ? `workloads with ${scope}` : isMesh ? "the whole mesh" : `namespace "${namespace}"`;
  yield problemAt(object, scope === "" ? "spec" : "spec.selector", {
    code: "MLT2050",
    message: `Telemetry "${oldest.metadata.name}" for ${subject} is older and holds, so this one has no effect`,
  });
}
