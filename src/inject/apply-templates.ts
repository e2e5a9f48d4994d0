// Lays what the mesh's own templates say over a pod. A template adds to the application's containers and never changes
// what they say themselves; the proxy's container it may change.

import { parse } from "yaml";
import type { Problem } from "../core/problem.ts";
import { checkForm } from "../kinds/check-form.ts";
import { meshConfigSpec } from "../kinds/mesh-config/mesh-config-spec.ts";
import { proxyConfig } from "../kinds/mesh-config/proxy-config.ts";
import { objectMeta } from "../kinds/object-meta.ts";
import type { Container } from "../kinds/pod/container.ts";
import type { PodSpec } from "../kinds/pod/pod-spec.ts";
import { podSpec } from "../kinds/pod/pod-spec.ts";
import { anything, map, message, text } from "../kinds/schema.ts";
import { isProxy } from "./add-sidecar.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import type { NamedTemplate } from "./injection-templates.ts";
import { templateProblem } from "./injection-templates.ts";
import { proxyImage } from "./proxy-image.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";
import type { Fields } from "./strategic-merge.ts";
import { isFields, mergeStrategically, overrideContainer } from "./strategic-merge.ts";
import { goStruct } from "./template/go-value.ts";
import { renderTemplate } from "./template/template.ts";
import { workloadNameOf } from "./workload-owner.ts";

/** `pod`: with its sidecar, if it gets one. */
export function applyTemplates(
  pod: InjectablePod,
  plan: SidecarPlan,
): InjectablePod | { readonly problems: readonly Problem[] } {
  let merged = pod;
  for (const named of plan.templates.custom) {
    const part = renderPart(named, plan);
    if ("problems" in part) return part;
    merged = mergePart(merged, part, plan.pod);
  }
  return merged;
}

/** What a template's YAML may hold. */
const podPart = message({
  metadata: message({ labels: map(text()), annotations: map(text()) }),
  spec: podSpec,
});

interface PodPart {
  readonly metadata?: Fields;
  readonly spec?: Fields;
}

function renderPart(
  { name, template }: NamedTemplate,
  plan: SidecarPlan,
): PodPart | { readonly problems: readonly Problem[] } {
  const { environment } = plan.settings.templates;
  const rendered = renderTemplate(template, { root: templateRoot(plan), environment });
  if ("fault" in rendered) return { problems: [templateProblem(name, rendered.fault)] };
  const parsed = parseYaml(rendered.value);
  if ("fault" in parsed) return { problems: [templateProblem(name, parsed.fault)] };
  const { findings } = checkForm(podPart, parsed.value);
  // A part of a pod needs no more of it than it adds, and may say how it is to be merged.
  const faults = findings.filter(({ code, path }) => code !== "MLT1006" && !path.endsWith("$patch"));
  if (faults.length > 0)
    return { problems: faults.map((found) => templateProblem(name, `${found.path}: ${found.message}`)) };
  return parsed.value as PodPart;
}

function parseYaml(rendered: string): { readonly value: unknown } | { readonly fault: string } {
  try {
    const value: unknown = parse(rendered) ?? {};
    return isFields(value) ? { value } : { fault: 'it makes no object, wanted "metadata" and "spec"' };
  } catch (error) {
    return { fault: `it makes YAML that can't be read: ${(error as Error).message.split("\n")[0]}` };
  }
}

/** The names that Istio's documentation gives to what templates read. */
const rootSchema = message(
  Object.fromEntries(
    [
      ...[
        "TypeMeta",
        "DeploymentMeta",
        "ObjectMeta",
        "Spec",
        "ProxyConfig",
        "MeshConfig",
        "Values",
        "Revision",
      ],
      ...[
        "ProxyImage",
        "ProxyUID",
        "ProxyGID",
        "NativeSidecars",
        "InboundTrafficPolicyMode",
        "CompliancePolicy",
      ],
    ].map((name) => [name, anything()]),
  ),
);

function templateRoot(plan: SidecarPlan): unknown {
  const { annotations, mode, namespace, owner, pod, settings, statusPort } = plan;
  const { meshConfig, proxyIds, revision, templates } = settings;
  const { discoveryAddress = settings.controlPlaneAddress, ...written } = plan.proxyConfig;
  const config = { ...written, discoveryAddress, interceptionMode: mode, statusPort };
  const imageType = written.image?.imageType;
  return goStruct(rootSchema, {
    TypeMeta: { Kind: owner.kind, APIVersion: owner.apiVersion },
    DeploymentMeta: { Name: workloadNameOf(pod, owner), Namespace: namespace },
    ObjectMeta: goStruct(objectMeta, pod.metadata),
    Spec: goStruct(podSpec, pod.spec),
    ProxyConfig: goStruct(proxyConfig, config),
    MeshConfig: goStruct(meshConfigSpec, meshConfig),
    Values: templates.values,
    Revision: revision,
    ProxyImage: proxyImage({ ofMesh: settings.images.proxy, annotations, imageType }),
    ProxyUID: proxyIds.uid,
    ProxyGID: proxyIds.gid,
    NativeSidecars: plan.isNative,
    InboundTrafficPolicyMode: meshConfig.inboundTrafficPolicy?.mode ?? "",
    CompliancePolicy: "",
  });
}

function mergePart(pod: InjectablePod, part: PodPart, own: InjectablePod): InjectablePod {
  const spec = yieldingTo(withProxyInPlace(part.spec ?? {}, pod.spec), pod.spec, own.spec);
  return {
    metadata: { ...mergeStrategically(pod.metadata, part.metadata ?? {}) },
    spec: mergeStrategically({ ...pod.spec }, spec) as unknown as PodSpec,
  };
}

/** Templates name the proxy among the containers; a native sidecar is among the init containers. */
function withProxyInPlace(part: Fields, spec: PodSpec): Fields {
  const { containers, initContainers = [] } = part as Partial<PodSpec>;
  if (spec.initContainers?.some(isProxy) !== true || containers?.some(isProxy) !== true) return part;
  return {
    ...part,
    containers: containers.filter((container) => !isProxy(container)),
    initContainers: [...initContainers, ...containers.filter(isProxy)],
  };
}

/** The part, with what the application's containers say themselves laid over it. */
function yieldingTo(part: Fields, spec: PodSpec, own: PodSpec): Fields {
  const yielded: Record<string, unknown> = { ...part };
  for (const list of ["containers", "initContainers"] as const) {
    const containers = part[list];
    if (!Array.isArray(containers)) continue;
    yielded[list] = (containers as readonly Container[]).map((container) => {
      const isOwn = own[list]?.some(({ name }) => name === container.name) === true && !isProxy(container);
      const present = isOwn ? spec[list]?.find(({ name }) => name === container.name) : undefined;
      return present === undefined ? container : overrideContainer(container, present);
    });
  }
  return yielded;
}
