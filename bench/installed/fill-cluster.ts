// Puts the objects of a made-up mesh on a real API server, Pods as large as injected ones are.

import { systemClock } from "../../src/core/clock.ts";
import { kindByName } from "../../src/kinds/all-kinds.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { type ApiClient, createApiClient } from "../../src/kubernetes/api-client.ts";
import { resourceOfKind, resourcePath } from "../../src/kubernetes/api-resource.ts";
import { openKubeconfig } from "../../src/kubernetes/kubeconfig.ts";

const AT_ONCE = 16;

/** As somebody else than the control plane: the audit log tells them apart. */
export async function administrator(kubeconfigPath: string): Promise<ApiClient> {
  const opened = await openKubeconfig({ path: kubeconfigPath, clock: systemClock, environment: {} });
  if (opened.kind === "problem") throw new Error(opened.problem.message);
  return createApiClient(opened.endpoint, { clock: systemClock, userAgent: "bench" });
}

export async function fillCluster(client: ApiClient, objects: readonly KubernetesObject[]): Promise<void> {
  const namespaces = objects.filter(({ kind }) => kind === "Namespace");
  for (const crowd of [namespaces, objects.filter(({ kind }) => kind !== "Namespace")])
    await inCrowds(crowd, (object) => createAsIs(client, object));
}

/** With its status, which the API server takes apart from the rest. */
export async function createAsIs(client: ApiClient, object: KubernetesObject): Promise<void> {
  const body = asServerTakes(object);
  const { name, namespace } = object.metadata;
  const place = namespace === undefined ? {} : { namespace };
  await client.request({ method: "POST", path: resourcePath(resourceOf(object), place), body });
  if (object.kind !== "Pod") return;
  const { podIP } = object.status as { readonly podIP: string };
  await client.request({
    method: "PATCH",
    path: resourcePath(resourceOf(object), { ...place, name, subresource: "status" }),
    contentType: "application/merge-patch+json",
    body: { status: { phase: "Running", podIP, podIPs: [{ ip: podIP }] } },
  });
}

export async function replaceSpec(client: ApiClient, object: KubernetesObject): Promise<void> {
  const { name, namespace } = object.metadata;
  const { metadata: _, ...fields } = asServerTakes(object);
  await client.request({
    method: "PATCH",
    path: resourcePath(resourceOf(object), { ...(namespace !== undefined && { namespace }), name }),
    contentType: "application/merge-patch+json",
    body: fields,
  });
}

export async function deleteAtOnce(client: ApiClient, object: KubernetesObject): Promise<void> {
  const { name, namespace } = object.metadata;
  await client.request({
    method: "DELETE",
    path: resourcePath(resourceOf(object), { ...(namespace !== undefined && { namespace }), name }),
    query: { gracePeriodSeconds: "0" },
  });
}

function resourceOf({ kind }: KubernetesObject) {
  const declared = kindByName.get(kind);
  if (declared === undefined) throw new Error(`No kind is called ${kind}`);
  return resourceOfKind(declared);
}

/** Addresses of Services are the API server's to give. */
function asServerTakes({ status: _, ...object }: KubernetesObject): KubernetesObject {
  const { creationTimestamp: __, ...metadata } = object.metadata;
  const rest = { ...object, metadata };
  if (object.kind === "Service") {
    const { clusterIP: ___, ...spec } = object.spec as Readonly<Record<string, unknown>>;
    return { ...rest, spec };
  }
  if (object.kind === "Pod") return asInjected(rest);
  return rest;
}

function asInjected({ spec, metadata, ...pod }: KubernetesObject): KubernetesObject {
  const { containers, ...others } = spec as { readonly containers: readonly object[] };
  const env = Array.from({ length: 20 }, (_, number) => ({
    name: `VARIABLE_${number}`,
    value: "v".repeat(40),
  }));
  const proxy = { name: "istio-proxy", image: "proxy:1", args: ["proxy", "sidecar"], env };
  return {
    ...pod,
    metadata: { ...metadata, annotations: { "sidecar.istio.io/status": "x".repeat(500) } },
    spec: { ...others, containers: [...containers, proxy] },
  };
}

async function inCrowds<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all].reverse();
  const worker = async () => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
