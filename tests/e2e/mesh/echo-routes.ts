// Puts routes for the echo in force: saves the VirtualService and waits until a caller's proxy has it.

import assert from "node:assert/strict";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";

export const ROUTES_FILE = "echo-routes.yaml";

/** `routes`: the items of `spec.http`, as YAML that starts at column 0. */
export async function applyRoutes(mesh: RunningMesh, client: PodClient, routes: string): Promise<void> {
  const edit = Math.random().toString(36).slice(2);
  await mesh.save(ROUTES_FILE, echoRoutes(markerRoute(edit) + routes));
  await eventually(async () => {
    const { body } = await client.request("http://echo/edit-in-force");
    assert.equal(body, edit);
  });
}

function echoRoutes(routes: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: test}
spec:
  hosts: [echo]
  http:
${routes.trim().replaceAll(/^/gm, "  ")}
`;
}

/** Tells which edit of the file made the routes behind it. */
function markerRoute(edit: string): string {
  return `
- match: [{uri: {exact: /edit-in-force}}]
  directResponse: {status: 200, body: {string: "${edit}"}}
`;
}

/** Shares of the requests, in percent; answers carry the edit as response header x-edit. */
export function weightedRoutes(
  weights: Readonly<Record<string, number>>,
  { edit }: { readonly edit: string },
): string {
  const destinations = Object.entries(weights).map(
    ([subset, weight]) => `  - {destination: {host: echo, subset: ${subset}}, weight: ${weight}}`,
  );
  return echoRoutes(`
- headers: {response: {set: {x-edit: "${edit}"}}}
  route:
${destinations.join("\n")}
`);
}
