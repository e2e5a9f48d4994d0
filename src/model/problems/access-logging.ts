// Logs that can't go where Telemetry or MeshConfig wants them.

import type { Problem } from "../../core/problem.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { MeshConfigSpec } from "../../kinds/mesh-config/mesh-config-spec.ts";
import type { Telemetry } from "../../kinds/telemetry/telemetry.ts";
import { findProvider } from "../extension-providers.ts";
import { whyNoLog, whyNoOwnService } from "../log-providers.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkLogProviders(object: Telemetry, context: CheckContext): Iterable<Problem> {
  const { settings, model, read } = context;
  const { namespace } = object.metadata;
  // An object of the root namespace is for all.
  const clients = { ...model, namespace: namespace === settings.rootNamespace ? "" : namespace };
  for (const [index, { providers = [] }] of (object.spec?.accessLogging ?? []).entries()) {
    for (const [position, { name }] of providers.entries()) {
      const why = whyNoLog(findProvider(settings, name), clients, read);
      const path = `spec.accessLogging[${index}].providers[${position}].name`;
      if (why !== undefined) yield unlogged(object, { path, name, why }, context);
    }
  }
}

interface MeshConfigObject extends KubernetesObject {
  readonly spec?: MeshConfigSpec;
}

export function* checkDefaultLogging(object: MeshConfigObject, context: CheckContext): Iterable<Problem> {
  const { settings, model, read } = context;
  const clients = { ...model, namespace: "" };
  for (const [index, name] of settings.defaultAccessLogProviders.entries()) {
    const why = whyNoLog(findProvider(settings, name), clients, read);
    const path = `spec.defaultProviders.accessLogging[${index}]`;
    if (why !== undefined) yield unlogged(object, { path, name, why }, context);
  }
  const why = whyNoOwnService(clients, read);
  const name = settings.accessLogService ?? "";
  const path =
    name === "" ? "spec.enableEnvoyAccessLogService" : "spec.defaultConfig.envoyAccessLogService.address";
  if (why !== undefined) yield unlogged(object, { path, name, why }, context);
}

interface Lack {
  readonly path: string;
  readonly name: string;
  readonly why: string;
}

function unlogged(object: KubernetesObject, { path, name, why }: Lack, { settings }: CheckContext): Problem {
  const known = settings.extensionProviders
    .filter((each) => LOGGING.some((type) => each[type] !== undefined))
    .map((each) => each.name ?? "");
  const instead =
    settings.accessLogFile === ""
      ? ""
      : `; where no other provider is chosen, lines go to "${settings.accessLogFile}" instead`;
  return problemAt(object, path, {
    code: "MLT2049",
    message: `Nothing is logged by "${name}": ${why}${instead}`,
    hint: `there ${known.length === 0 ? "is" : "are"} ${["envoy", ...known].join(", ")}`,
  });
}

const LOGGING = ["envoyFileAccessLog", "envoyHttpAls", "envoyTcpAls", "envoyOtelAls"] as const;
