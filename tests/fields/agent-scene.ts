// What MeshConfig makes of a pod that is injected: the pod, what its agent reads of it, and the bootstrap that Envoy gets.
// And which namespaces the control plane takes objects from.

import { buildBootstrap } from "../../src/agent/bootstrap/bootstrap.ts";
import {
  parseProxyArguments,
  readControlPlane,
  readDrainTimes,
  readEnvoyPath,
} from "../../src/agent/pod/proxy-arguments.ts";
import { readProxySettings } from "../../src/agent/pod/proxy-settings.ts";
import { injectPod } from "../../src/inject/inject-pod.ts";
import type { InjectablePod } from "../../src/inject/injectable-pod.ts";
import { defaultInjectionSettings } from "../../src/inject/injection-settings.ts";
import { buildProxyNode } from "../../src/inject/node-metadata.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import type { MeshConfig } from "../../src/kinds/mesh-config/mesh-config.ts";
import type { Namespace } from "../../src/kinds/namespace.ts";
import { createNamespaceSelection } from "../../src/sources/kubernetes/namespace-selection.ts";
import { testBootstrapOptions } from "../support/agent-envoy.ts";
import type { Outcome, Stage } from "./toggle-fields.ts";

export function agentScene(): Stage {
  return { outcomeOf, close: () => undefined };
}

const pod: InjectablePod = {
  metadata: {
    name: "own",
    namespace: "shop",
    labels: { app: "own", "service.istio.io/canonical-name": "canonical" },
  },
  spec: { containers: [{ name: "app" }] },
};

const namespaces: readonly Namespace[] = ["some", "other"].map((part) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: part, labels: { part } },
}));

// Injection hands the whole ProxyConfig on to the agent: what the agent makes of it counts, not that it was handed on.
const HANDED_ON = "PROXY_CONFIG";

function outcomeOf(objects: readonly KubernetesObject[]): Outcome {
  const meshConfig = objects.find(({ kind }) => kind === "MeshConfig") as unknown as MeshConfig;
  const injection = injectPod(pod, undefined, {
    ...defaultInjectionSettings,
    images: { proxy: "hub.example.com/proxy:1", init: "hub.example.com/proxy:1" },
    meshConfig: meshConfig.spec,
  });
  if (injection.kind !== "injected") throw new Error(`not injected: ${JSON.stringify(injection)}`);
  const { metadata, spec } = injection.pod;
  const proxy = [...spec.containers, ...(spec.initContainers ?? [])].find(
    ({ name }) => name === "istio-proxy",
  );
  const env = Object.fromEntries((proxy?.env ?? []).map(({ name, value = "" }) => [name, value]));
  const { annotations = {}, labels = {} } = metadata;
  const settings = readProxySettings({ env, annotations });
  const args = parseProxyArguments((proxy?.args ?? []).slice(1), env);
  const selection = createNamespaceSelection("meltemi-system");
  selection.update(namespaces, meshConfig);
  const told = {
    pod: JSON.parse(JSON.stringify(injection.pod), (_key, value) =>
      value?.name === HANDED_ON ? undefined : value,
    ),
    arguments: args,
    drain: readDrainTimes(env),
    "control plane": readControlPlane(env, undefined),
    node: buildProxyNode({ ...args, env: withoutConfig(env), labels, annotations, version: "" }),
    "name in traces": buildProxyNode({ ...args, env, labels, annotations, version: "" }).cluster,
    bootstrap: buildBootstrap({ ...testBootstrapOptions("/pod"), ...settings }),
    "ports of the agent": settings.ports,
    envoy: readEnvoyPath(env),
    namespaces: namespaces.filter(({ metadata: { name } }) => selection.isSelected(name)),
  };
  return new Map(Object.entries(told).map(([name, value]) => [name, JSON.stringify(value)]));
}

function withoutConfig(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== HANDED_ON));
}
