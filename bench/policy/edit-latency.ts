// How long an edit of a policy takes from its file to the first answer that follows it, in a mesh with real Envoys under
// load: AuthorizationPolicies and RequestAuthentications by turns, with keep-alive connections, a gRPC stream, a
// WebSocket and a TCP connection open. Fails where one is closed or a request is refused that no policy refuses. Prints
// JSON. Needs root.

import { setTimeout as wait } from "node:timers/promises";
import { holdStreams } from "../../tests/e2e/lifecycle/long-streams.ts";
import { proxyCounters } from "../../tests/e2e/lifecycle/proxy-state.ts";
import { eventually } from "../../tests/e2e/mesh/eventually.ts";
import type { PodClient } from "../../tests/e2e/mesh/pod-client.ts";
import type { RunningMesh } from "../../tests/e2e/mesh/running-mesh.ts";
import { skipWithoutMesh, startMesh } from "../../tests/e2e/mesh/running-mesh.ts";

// Edits at one rhythm would all meet the caller's requests, and timers, at the same point of theirs.
const MAX_PAUSE_MS = 300;
const CALLER = { url: "http://echo/", connections: 4, pauseMs: 5 };
// Answers come from both pods behind the service by turns.
const BOTH_PODS = 8;

/** An edit, and the request that is refused as soon as it is in force. */
interface Edit {
  readonly file: string;
  readonly yaml: string;
  readonly refused: { readonly url: string; readonly headers?: Readonly<Record<string, string>> };
  readonly status: number;
}

function authorizationEdit(number: number): Edit {
  return {
    file: "authorization.yaml",
    yaml: `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: echo, namespace: test}
spec:
  selector: {matchLabels: {app: echo}}
  action: DENY
  rules: [{to: [{operation: {ports: ["8080"], paths: ["/edit-${number}"]}}]}]
`,
    refused: { url: `http://echo/edit-${number}` },
    status: 403,
  };
}

/** Another header in which a token is looked for: what isn't one is refused there. */
function authenticationEdit(number: number): Edit {
  return {
    file: "authentication.yaml",
    yaml: `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: echo, namespace: test}
spec:
  selector: {matchLabels: {app: echo}}
  jwtRules: [{issuer: idp, jwks: '{"keys":[{"kty":"oct","kid":"a","alg":"HS256","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"}]}', fromHeaders: [{name: x-edit-${number}}]}]
`,
    refused: { url: "http://echo/", headers: { [`x-edit-${number}`]: "no token" } },
    status: 401,
  };
}

/** `whyNot`: no mesh can be started here. */
export async function measureEdits(editCount: number): Promise<{ readonly whyNot: string } | object> {
  if (skipWithoutMesh !== false) return { whyNot: skipWithoutMesh };
  const mesh = await startMesh();
  try {
    return await measure(mesh, editCount);
  } finally {
    await mesh.close();
  }
}

async function measure(mesh: RunningMesh, editCount: number): Promise<object> {
  const client = await mesh.client("client");
  const [load, streams] = [await client.load(CALLER), await holdStreams(mesh, "client", "echo")];
  const replacedBefore = await replacedListeners(mesh);
  const delaysMs: Record<"authorization" | "authentication", number[]> = {
    authorization: [],
    authentication: [],
  };
  // The first edits make the objects, which is another thing than changing them.
  for (let number = -2; number < editCount; number += 1) {
    await wait(100 + Math.random() * MAX_PAUSE_MS);
    const isAuthorization = number % 2 === 0;
    const ms = await delayOf(
      isAuthorization ? authorizationEdit(number) : authenticationEdit(number),
      mesh,
      client,
    );
    if (number >= 0) delaysMs[isAuthorization ? "authorization" : "authentication"].push(ms);
  }
  const { failures, total } = await load.stop();
  if (failures.length > 0) throw new Error(`Requests failed: ${JSON.stringify(failures)}`);
  const outcomes = await streams.stop();
  for (const [kind, { error }] of Object.entries(outcomes)) {
    if (error !== undefined) throw new Error(`An edit closed ${kind}: ${error}`);
  }
  const replaced = await replacedListeners(mesh);
  if (replaced !== replacedBefore)
    throw new Error(`Edits replaced chains of ${replaced - replacedBefore} listeners`);
  return {
    what: "milliseconds from saving a policy's file to the first answer that follows it",
    ...report([...delaysMs.authorization, ...delaysMs.authentication]),
    authorizationPolicies: report(delaysMs.authorization),
    requestAuthentications: report(delaysMs.authentication),
    requestsMeanwhile: total,
    messagesOfOpenStreams: Object.fromEntries(
      Object.entries(outcomes).map(([kind, { count }]) => [kind, count]),
    ),
  };
}

async function delayOf(edit: Edit, mesh: RunningMesh, client: PodClient): Promise<number> {
  const isRefused = async () => {
    const { status } = await client.request(edit.refused);
    if (status !== edit.status && status !== 200) throw new Error(`Status ${status} is no policy's`);
    return status === edit.status;
  };
  const savedAtMs = performance.now();
  await mesh.save(edit.file, edit.yaml);
  while (!(await isRefused()))
    if (performance.now() - savedAtMs > 30_000) throw new Error("The edit isn't seen");
  const ms = performance.now() - savedAtMs;
  await eventually(async () => {
    for (let request = 0; request < BOTH_PODS; request += 1) {
      if (!(await isRefused())) throw new Error("A pod lets the request in");
    }
  });
  return ms;
}

async function replacedListeners(mesh: RunningMesh): Promise<number> {
  const counters = await Promise.all(["echo-v1", "echo-v2"].map((workload) => proxyCounters(mesh, workload)));
  return counters.reduce((sum, each) => sum + (each["listener_manager.listener_in_place_updated"] ?? 0), 0);
}

function report(delaysMs: readonly number[]): object {
  const sorted = delaysMs.toSorted((one, other) => one - other);
  const percentile = (percent: number) =>
    Math.round(
      sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN,
    );
  return {
    edits: sorted.length,
    p50Ms: percentile(50),
    p90Ms: percentile(90),
    p99Ms: percentile(99),
    maxMs: percentile(100),
  };
}
