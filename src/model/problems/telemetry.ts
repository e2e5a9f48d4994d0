// Telemetry objects that can't do what they say: providers that aren't there or don't log, and objects that an older one of
// the same scope stands before.

import type { Problem } from "../../core/problem.ts";
import type { Telemetry } from "../../kinds/telemetry/telemetry.ts";
import { findProvider } from "../extension-providers.ts";
import { byAge } from "../service.ts";
import { ageOf, choiceText, rivalsOf } from "../workload-policies.ts";
import { type CheckContext, problemAt } from "./check.ts";

/** With the file, those for which an access log can be made. */
const LOGGING = ["envoyFileAccessLog", "envoyHttpAls", "envoyTcpAls", "envoyOtelAls"] as const;

export function* checkLogProviders(object: Telemetry, { settings }: CheckContext): Iterable<Problem> {
  for (const [index, { providers = [] }] of (object.spec?.accessLogging ?? []).entries()) {
    for (const [position, { name }] of providers.entries()) {
      const provider = findProvider(settings, name);
      if (provider?.envoyFileAccessLog !== undefined) continue;
      const known = settings.extensionProviders.flatMap((each) =>
        each.envoyFileAccessLog === undefined ? [] : [each.name ?? ""],
      );
      const instead =
        settings.accessLogFile === ""
          ? ""
          : `; where no other provider is chosen, lines go to "${settings.accessLogFile}" instead`;
      const logs = provider !== undefined && LOGGING.some((type) => provider[type] !== undefined);
      const reason =
        provider === undefined
          ? "MeshConfig.extensionProviders has none of that name"
          : logs
            ? "logs go to files alone, for now"
            : "MeshConfig.extensionProviders has another use for it";
      yield problemAt(object, `spec.accessLogging[${index}].providers[${position}].name`, {
        code: "MLT2049",
        message: `Nothing is logged by "${name}": ${reason}${instead}`,
        hint: `there ${known.length === 0 ? "is" : "are"} ${["envoy", ...known].join(", ")}`,
      });
    }
  }
}

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
