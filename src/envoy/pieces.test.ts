import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type DescMessage, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { objectKey } from "../core/object-key.ts";
import { ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import { SecretSchema } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import type { OutboundListenerInputs } from "../view/listener-inputs.ts";
import { encode } from "./encode.ts";
import { buildOutboundListener } from "./listener/outbound-listener.ts";
import { piecesOf } from "./pieces.ts";
import { provenanceMetadata } from "./provenance.ts";

const part = (name: string) => ({
  object: objectKey({ kind: "VirtualService", namespace: "shop", name }),
  path: "spec.tcp[0]",
});
const inputs: OutboundListenerInputs = {
  name: "0.0.0.0_80",
  address: "0.0.0.0",
  port: 80,
  http: { routeName: "80", hasGrpcWeb: false },
  tcp: [
    {
      serverNames: ["a.com"],
      destinationSubnets: [],
      destinations: [{ cluster: "a", weight: 1 }],
      provenance: [part("a")],
    },
    {
      serverNames: [],
      destinationSubnets: [],
      destinations: [{ cluster: "b", weight: 1 }],
      provenance: [part("b")],
    },
  ],
  settings: { pathNormalization: "BASE", protocolDetectionTimeout: "0s" },
  provenance: [],
};

describe("piecesOf()", () => {
  test("names what a listener is made of, built or decoded alike", () => {
    const built = buildOutboundListener(inputs);
    const decoded = fromBinary(ListenerSchema, encode(ListenerSchema, built).bytes);
    const words = wordsOf(ListenerSchema, built);
    assert.deepEqual(words, wordsOf(ListenerSchema, decoded));
    assert.deepEqual(
      words.filter((word) => !word.startsWith("HTTP filter")),
      [
        "listener 0.0.0.0_80 at : ",
        "listener filter envoy.filters.listener.tls_inspector at listenerFilters[0]: ",
        "listener filter envoy.filters.listener.http_inspector at listenerFilters[1]: ",
        "filter chain  at filterChains[0]: ",
        "network filter envoy.filters.network.http_connection_manager at filterChains[0].filters[0]: ",
        "filter chain  at filterChains[1]: a",
        "network filter envoy.filters.network.tcp_proxy at filterChains[1].filters[0]: a",
        "filter chain  at defaultFilterChain: b",
        "network filter envoy.filters.network.tcp_proxy at defaultFilterChain.filters[0]: b",
      ],
    );
    assert.ok(
      words.includes("HTTP filter envoy.filters.http.router at filterChains[0].filters[0].httpFilters[4]: "),
    );
  });

  test("names virtual hosts and routes", () => {
    const metadata = provenanceMetadata([part("web")]);
    const table = { name: "80", virtualHosts: [{ name: "web", routes: [{ name: "canary", metadata }] }] };
    assert.deepEqual(wordsOf(RouteConfigurationSchema, table), [
      "route configuration 80 at : ",
      "virtual host web at virtualHosts[0]: ",
      "route canary at virtualHosts[0].routes[0]: web",
    ]);
  });

  test("throws for what isn't a piece", () => {
    assert.throws(() => wordsOf(SecretSchema, {}), /Secret isn't a piece/);
  });
});

/** `KIND NAME at PATH: what made it`. */
function wordsOf<Schema extends DescMessage>(schema: Schema, message: MessageInitShape<Schema>): string[] {
  return [...piecesOf(schema, message)].map(
    ({ kind, name, path, provenance }) =>
      `${kind} ${name} at ${path}: ${provenance.map(({ object }) => object.split("/").at(-1)).join(" ")}`,
  );
}
