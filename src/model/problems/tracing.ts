// Spans that can't be sent where Telemetry or MeshConfig wants them: nothing is traced then.

import type { Problem } from "../../core/problem.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { MeshConfigSpec } from "../../kinds/mesh-config/mesh-config-spec.ts";
import type { Telemetry } from "../../kinds/telemetry/telemetry.ts";
import { findProvider } from "../extension-providers.ts";
import { addressOf, whyNoServer } from "../provider-server.ts";
import { whyNoTracer } from "../tracers.ts";
import { type CheckContext, problemAt, quoted } from "./check.ts";

export function* checkTracingProviders(object: Telemetry, context: CheckContext): Iterable<Problem> {
  const { settings, model, read } = context;
  const { namespace } = object.metadata;
  // An object of the root namespace is for all.
  const clients = { ...model, namespace: namespace === settings.rootNamespace ? "" : namespace };
  for (const [index, { providers = [] }] of (object.spec?.tracing ?? []).entries()) {
    const [{ name } = { name: undefined }] = providers;
    if (name === undefined) continue;
    const why = whyNoTracer(findProvider(settings, name), clients, read);
    if (why !== undefined)
      yield untraced(object, { path: `spec.tracing[${index}].providers[0].name`, name, why }, context);
  }
}

interface MeshConfigObject extends KubernetesObject {
  readonly spec?: MeshConfigSpec;
}

export function* checkDefaultTracing(object: MeshConfigObject, context: CheckContext): Iterable<Problem> {
  const { settings, model, read } = context;
  const clients = { ...model, namespace: "" };
  const name = settings.defaultTracingProvider;
  if (name !== undefined) {
    const why = whyNoTracer(findProvider(settings, name), clients, read);
    if (why !== undefined)
      yield untraced(object, { path: "spec.defaultProviders.tracing[0]", name, why }, context);
    return;
  }
  for (const kind of ["zipkin", "datadog"] as const) {
    const name = settings.proxyTracing?.[kind]?.address ?? "";
    const why = name === "" ? undefined : whyNoServer(addressOf(name, model, read), clients, read);
    if (why !== undefined)
      yield untraced(object, { path: `spec.defaultConfig.tracing.${kind}.address`, name, why }, context);
  }
}

interface Lack {
  readonly path: string;
  readonly name: string;
  readonly why: string;
}

function untraced(object: KubernetesObject, { path, name, why }: Lack, { settings }: CheckContext): Problem {
  const known = settings.extensionProviders
    .filter((each) => (each.zipkin ?? each.datadog ?? each.skywalking ?? each.opentelemetry) !== undefined)
    .map((each) => each.name ?? "");
  return problemAt(object, path, {
    code: "MLT2051",
    message: `Nothing is traced by "${name}": ${why}`,
    hint: `providers that take spans: ${quoted(known)}`,
  });
}
