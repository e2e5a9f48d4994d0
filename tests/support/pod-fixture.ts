// Small pods for tests of the local runtime.

import type { Container } from "../../src/kinds/pod/container.ts";
import type { Pod } from "../../src/kinds/pod/pod.ts";
import type { ReferencedObjects } from "../../src/local/workloads/environment.ts";

export function buildTestPod(
  container: Partial<Container> = {},
  overrides: { readonly spec?: Partial<Pod["spec"]>; readonly metadata?: Partial<Pod["metadata"]> } = {},
): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "reviews-1", namespace: "shop", labels: { app: "reviews" }, ...overrides.metadata },
    spec: { containers: [{ name: "app", ...container }], ...overrides.spec },
    status: { podIP: "10.244.0.9" },
  };
}

export function firstContainer(pod: Pod): Container {
  const [container] = pod.spec.containers;
  if (container === undefined) throw new Error("The test's pod has no container");
  return container;
}

/** Nothing to refer to, but what the test gives. */
export function referencedObjects(given: Partial<ReferencedObjects> = {}): ReferencedObjects {
  return {
    capacity: { cpuCount: 2, memoryBytes: 4 * 2 ** 30 },
    configMap: () => undefined,
    secret: () => undefined,
    services: () => [],
    ...given,
  };
}
