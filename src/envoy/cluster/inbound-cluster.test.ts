import assert from "node:assert/strict";
import { test } from "node:test";
import { objectKey } from "../../core/object-key.ts";
import { HttpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type { InboundClusterInputs } from "../../view/cluster-inputs.ts";
import { messageIn } from "../encode.ts";
import { HTTP_PROTOCOL_OPTIONS } from "./cluster.ts";
import type { ClusterInit } from "./cluster-feature.ts";
import {
  buildBlackHoleCluster,
  buildInboundPassthroughCluster,
  buildPassthroughCluster,
} from "./fixed-clusters.ts";
import { buildInboundCluster } from "./inbound-cluster.ts";

const inputs: InboundClusterInputs = {
  port: 9080,
  protocol: "HTTP",
  services: [{ hostname: "web.shop.svc.cluster.local", name: "web", namespace: "shop" }],
  families: "ipv4",
  connectTimeout: "3s",
  provenance: [{ object: objectKey({ kind: "Service", namespace: "shop", name: "web" }) }],
};

test("buildInboundCluster() speaks what the client speaks, but HTTP/2 where the port says so", () => {
  assert.equal(protocolOf(buildInboundCluster(inputs)), "useDownstreamProtocolConfig");
  assert.equal(
    protocolOf(buildInboundCluster({ ...inputs, protocol: "TCP" })),
    "useDownstreamProtocolConfig",
  );
  for (const protocol of ["HTTP2", "GRPC"] as const) {
    assert.equal(protocolOf(buildInboundCluster({ ...inputs, protocol })), "http2ProtocolOptions");
  }
});

test("buildInboundCluster() connects from the addresses that interception knows, of the workload's families", () => {
  assert.deepEqual(sourcesOf(buildInboundCluster(inputs)), ["127.0.0.6"]);
  assert.deepEqual(sourcesOf(buildInboundCluster({ ...inputs, families: "ipv6" })), ["::6"]);
  assert.deepEqual(sourcesOf(buildInboundCluster({ ...inputs, families: "dual" })), ["127.0.0.6", "::6"]);
});

test("buildInboundCluster() sets MeshConfig's connectTimeout", () => {
  assert.deepEqual(buildInboundCluster(inputs).connectTimeout, { seconds: 3n, nanos: 0 });
});

test("buildInboundCluster() names the services of the port, and what made it", () => {
  const { name, metadata } = buildInboundCluster(inputs);
  assert.equal(name, "inbound|9080||");
  assert.deepEqual(metadata?.filterMetadata, {
    istio: { services: [{ host: "web.shop.svc.cluster.local", name: "web", namespace: "shop" }] },
    meltemi: { from: "Service/shop/web", service: "web.shop.svc.cluster.local;web;shop" },
  });
});

test("fixed clusters pass connections on as they are, and only those to the application from its own source", () => {
  const passthrough = buildPassthroughCluster("3s");
  const inbound = buildInboundPassthroughCluster("3s", "ipv4");
  assert.deepEqual([passthrough, inbound].map(protocolOf), [
    "useDownstreamProtocolConfig",
    "useDownstreamProtocolConfig",
  ]);
  assert.deepEqual([passthrough, inbound].map(sourcesOf), [[], ["127.0.0.6"]]);
  assert.equal(buildBlackHoleCluster("3s").typedExtensionProtocolOptions, undefined);
});

function protocolOf({ typedExtensionProtocolOptions }: ClusterInit): string | undefined {
  const { upstreamProtocolOptions } = messageIn(
    HttpProtocolOptionsSchema,
    typedExtensionProtocolOptions?.[HTTP_PROTOCOL_OPTIONS],
  );
  if (upstreamProtocolOptions?.case !== "explicitHttpConfig") return upstreamProtocolOptions?.case;
  return upstreamProtocolOptions.value.protocolConfig?.case;
}

function sourcesOf({ upstreamBindConfig }: ClusterInit): readonly (string | undefined)[] {
  const { sourceAddress, extraSourceAddresses = [] } = upstreamBindConfig ?? {};
  return [sourceAddress, ...extraSourceAddresses.map(({ address }) => address)].flatMap((source) =>
    source === undefined ? [] : [source.address],
  );
}

test("buildInboundCluster() names the cluster's statistics where MeshConfig does", () => {
  assert.equal(buildInboundCluster(inputs).altStatName, undefined);
  assert.equal(buildInboundCluster({ ...inputs, statName: "of_web" }).altStatName, "of_web");
});
