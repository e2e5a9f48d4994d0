import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveMeshSettings } from "../../model/mesh-settings.ts";
import { buildInboundRoutes } from "./inbound-routes.ts";
import type { RouteActionInit } from "./route-feature.ts";

function retryPolicies(spec: Parameters<typeof resolveMeshSettings>[0]) {
  const ports = [
    { port: 80, protocol: "HTTP", mode: "STRICT" },
    { port: 81, protocol: "GRPC", mode: "STRICT" },
  ] as const;
  const { inboundRetries } = resolveMeshSettings(spec);
  const listener = {
    ports,
    otherPortsMode: "STRICT",
    otherPorts: [],
    families: { ipv4: true, ipv6: false },
    settings: { pathNormalization: "BASE", protocolDetectionTimeout: "0s" },
  } as unknown as Parameters<typeof buildInboundRoutes>[0];
  return buildInboundRoutes(listener, inboundRetries).map(
    ({ virtualHosts }) =>
      (virtualHosts?.[0]?.routes?.[0]?.action?.value as RouteActionInit | undefined)?.retryPolicy,
  );
}

test("buildInboundRoutes() retries what was reset before it reached the application, gRPC aside", () => {
  const wanted = { retryOn: "reset-before-request", retriableStatusCodes: [], numRetries: 2 };
  assert.deepEqual(retryPolicies({}), [wanted, undefined, wanted]);
});

test("buildInboundRoutes() retries as defaultInboundHttpRetryPolicy says, not at all without attempts", () => {
  const policy = { attempts: 1, retryOn: "reset,503", backoff: "1s" };
  const [ofHttp, ofGrpc] = retryPolicies({ defaultInboundHttpRetryPolicy: policy });
  assert.deepEqual(ofHttp, {
    retryOn: "reset,retriable-status-codes",
    retriableStatusCodes: [503],
    numRetries: 1,
    retryBackOff: { baseInterval: { seconds: 1n, nanos: 0 } },
  });
  assert.equal(ofGrpc, undefined);
  assert.deepEqual(retryPolicies({ defaultInboundHttpRetryPolicy: {} }), [undefined, undefined, undefined]);
});
