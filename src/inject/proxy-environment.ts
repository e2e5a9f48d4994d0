// The environment of the proxy's container: who it is, and what the agent puts into Envoy's node metadata.

import type { Container, EnvVar } from "../kinds/pod/container.ts";
import { BOOTSTRAP_OVERRIDE_FILE } from "./proxy-volumes.ts";
import type { SidecarPlan } from "./sidecar-plan.ts";
import { ownerUri, workloadNameOf } from "./workload-owner.ts";

export function proxyEnvironment(plan: SidecarPlan, applications: readonly Container[]): EnvVar[] {
  const { settings, proxyConfig, owner, namespace } = plan;
  const trustDomain = settings.meshConfig.trustDomain ?? settings.clusterDomain;
  const address = proxyConfig.discoveryAddress ?? settings.controlPlaneAddress;
  return [
    value("PILOT_CERT_PROVIDER", "istiod"),
    value("CA_ADDR", address),
    field("POD_NAME", "metadata.name"),
    field("POD_NAMESPACE", "metadata.namespace"),
    field("INSTANCE_IP", "status.podIP"),
    field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
    field("HOST_IP", "status.hostIP"),
    { name: "ISTIO_CPU_LIMIT", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "0" } } },
    value("PROXY_CONFIG", JSON.stringify({ ...proxyConfig, discoveryAddress: address })),
    value("ISTIO_META_POD_PORTS", JSON.stringify(applications.flatMap((container) => container.ports ?? []))),
    value("ISTIO_META_APP_CONTAINERS", applications.map(({ name }) => name).join(",")),
    value("ISTIO_META_CLUSTER_ID", settings.clusterId),
    field("ISTIO_META_NODE_NAME", "spec.nodeName"),
    ...(plan.role === "sidecar" ? [value("ISTIO_META_INTERCEPTION_MODE", plan.mode)] : []),
    ...(plan.network === "" ? [] : [value("ISTIO_META_NETWORK", plan.network)]),
    value("ISTIO_META_WORKLOAD_NAME", workloadNameOf(plan.pod, owner)),
    value("ISTIO_META_OWNER", ownerUri(owner, namespace)),
    value("ISTIO_META_MESH_ID", proxyConfig.meshId ?? trustDomain),
    value("TRUST_DOMAIN", trustDomain),
    ...(plan.annotations.bootstrapOverride === undefined
      ? []
      : [value("ISTIO_BOOTSTRAP_OVERRIDE", BOOTSTRAP_OVERRIDE_FILE)]),
    ...Object.entries(settings.environment).map(([name, text]) => value(name, text)),
    ...metadataEnvironment(plan),
  ];
}

/** `proxyMetadata` is environment as it stands, for the agent and the redirect program alike. */
export function metadataEnvironment({ proxyConfig }: SidecarPlan): EnvVar[] {
  return Object.entries(proxyConfig.proxyMetadata ?? {}).map(([name, text]) => value(name, text));
}

function value(name: string, text: string): EnvVar {
  return { name, value: text };
}

function field(name: string, fieldPath: string): EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}
