// A Service of its own before the echo's pods, for a test that needs a rule which is nobody else's.

import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";

export interface RuledService {
  /** Labels, as in YAML's braces. */
  readonly selector: string;
  /** `spec.trafficPolicy` of its DestinationRule, as YAML in braces. */
  readonly trafficPolicy: string;
}

/** Resolves when the caller's proxy knows it. */
export async function addRuledService(
  mesh: RunningMesh,
  client: PodClient,
  { name, selector, trafficPolicy }: RuledService & { readonly name: string },
): Promise<void> {
  await mesh.save(
    `${name}.yaml`,
    `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: test}
spec:
  selector: {${selector}}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: test}
spec:
  host: ${name}
  trafficPolicy: ${trafficPolicy}
`,
  );
  await knowsService(client, `http://${name}/`);
}

/** Before a proxy knows a Service its callers reach it too, by its address: as passthrough, without mTLS. */
export async function knowsService(client: PodClient, url: string): Promise<void> {
  await eventually(async () => {
    const { headers } = await client.echo({ url, isNew: true });
    assert.match(headers["x-forwarded-client-cert"] ?? "", /URI=spiffe/);
  });
}
