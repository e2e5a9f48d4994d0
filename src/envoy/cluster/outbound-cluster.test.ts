// What one cluster becomes of its inputs, feature by feature.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, type JsonValue, toJson } from "@bufbuild/protobuf";
import { spiffeId } from "../../core/spiffe-id.ts";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { UpstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { HttpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type { ClientTlsSettings } from "../../kinds/destination-rule/client-tls.ts";
import type {
  ClusterEndpoint,
  Discovery,
  OutboundClusterInputs,
  PortPolicy,
} from "../../view/cluster-inputs.ts";
import { messageIn } from "../encode.ts";
import { HTTP_PROTOCOL_OPTIONS } from "./cluster.ts";
import type { ClusterInit } from "./cluster-feature.ts";
import { buildOutboundCluster } from "./outbound-cluster.ts";

const SPIFFE_ID = spiffeId({ trustDomain: "cluster.local", namespace: "shop", serviceAccount: "web" });

const ENDPOINT: ClusterEndpoint = {
  address: "a.com",
  port: 80,
  weight: 1,
  locality: "west",
  isMutualTls: true,
  isHealthy: true,
  isDraining: false,
  description: "",
};
const DNS: Extract<Discovery, { kind: "dns" }> = {
  kind: "dns",
  endpoints: { clusterName: "outbound|80||web", endpoints: [ENDPOINT], provenance: [] },
  isLogical: false,
  families: "ipv4",
};

type Json = Readonly<Record<string, JsonValue>>;

describe("buildOutboundCluster() sets", () => {
  const cases: readonly (readonly [string, PortPolicy, Json])[] = [
    [
      "no limits of its own",
      {},
      {
        connectTimeout: "10s",
        lbPolicy: "LEAST_REQUEST",
        circuitBreakers: {
          thresholds: [
            {
              maxConnections: 4294967295,
              maxPendingRequests: 4294967295,
              maxRequests: 4294967295,
              maxRetries: 4294967295,
              trackRemaining: true,
            },
          ],
        },
      },
    ],
    [
      "limits from the connection pool",
      {
        connectionPool: {
          tcp: { maxConnections: 1, connectTimeout: "2s" },
          http: { http1MaxPendingRequests: 2, http2MaxRequests: 3, maxRetries: 4 },
        },
      },
      {
        connectTimeout: "2s",
        circuitBreakers: {
          thresholds: [
            { maxConnections: 1, maxPendingRequests: 2, maxRequests: 3, maxRetries: 4, trackRemaining: true },
          ],
        },
      },
    ],
    [
      "a retry budget in place of a count",
      { retryBudget: { percent: 25, minRetryConcurrency: 1, budgetInterval: "5s" } },
      {
        circuitBreakers: {
          thresholds: [
            {
              maxConnections: 4294967295,
              maxPendingRequests: 4294967295,
              maxRequests: 4294967295,
              retryBudget: { budgetPercent: { value: 25 }, budgetInterval: "5s", minRetryConcurrency: 1 },
              trackRemaining: true,
            },
          ],
        },
      },
    ],
    [
      "TCP keepalive",
      { connectionPool: { tcp: { tcpKeepalive: { probes: 3, time: "60s", interval: "10s" } } } },
      {
        upstreamConnectionOptions: {
          tcpKeepalive: { keepaliveProbes: 3, keepaliveTime: 60, keepaliveInterval: 10 },
        },
      },
    ],
    [
      "a ring for a consistent hash",
      { loadBalancer: { consistentHash: { httpHeaderName: "x" } } },
      { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize: "1024" } },
    ],
    [
      "Maglev",
      { loadBalancer: { consistentHash: { useSourceIp: true, maglev: { tableSize: 101 } } } },
      { lbPolicy: "MAGLEV", maglevLbConfig: { tableSize: "101" } },
    ],
    ["random choice", { loadBalancer: { simple: "RANDOM" } }, { lbPolicy: "RANDOM" }],
    [
      "a slow start",
      { loadBalancer: { simple: "ROUND_ROBIN", warmup: { duration: "30s" } } },
      { roundRobinLbConfig: { slowStartConfig: { slowStartWindow: "30s" } } },
    ],
  ];
  for (const [name, policy, wanted] of cases) {
    test(name, () => {
      const built = cluster({ policy });
      for (const [field, value] of Object.entries(wanted)) assert.deepEqual(built[field], value, field);
    });
  }
});

describe("buildOutboundCluster() finds endpoints", () => {
  test("by EDS over the same stream, without a time limit", () => {
    const built = cluster({});
    assert.equal(built.type, "EDS");
    assert.deepEqual(built.edsClusterConfig, {
      edsConfig: { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" },
      serviceName: "outbound|80||web",
    });
  });

  test("by DNS", () => {
    const built = cluster({ discovery: DNS });
    assert.deepEqual([built.type, built.dnsRefreshRate, built.respectDnsTtl], ["STRICT_DNS", "60s", true]);
    assert.equal(cluster({ discovery: { ...DNS, isLogical: true } }).type, "LOGICAL_DNS");
  });

  test("by DNS, each in its locality, by priority, with what it says of mTLS", () => {
    const far = { ...ENDPOINT, address: "b.com", locality: "east", priority: 1, isMutualTls: false };
    const endpoints = { ...DNS.endpoints, endpoints: [ENDPOINT, far] };
    const { loadAssignment } = cluster({ discovery: { ...DNS, endpoints } });
    const { endpoints: groups } = loadAssignment as unknown as { readonly endpoints: readonly Json[] };
    assert.deepEqual(
      groups.map(({ locality, priority, lbEndpoints }) => {
        const [{ metadata } = {}] = lbEndpoints as readonly Json[];
        return [locality, priority, metadata];
      }),
      [
        [
          { region: "west" },
          undefined,
          { filterMetadata: { "envoy.transport_socket_match": { tlsMode: "istio" } } },
        ],
        [{ region: "east" }, 1, {}],
      ],
    );
  });

  test("by DNS, in the client's IP families", () => {
    const lookups = (["ipv4", "ipv6", "dual"] as const).map(
      (families) => cluster({ discovery: { ...DNS, families } }).dnsLookupFamily,
    );
    assert.deepEqual(lookups, ["V4_ONLY", "V6_ONLY", "ALL"]);
  });

  test("in the connection itself", () => {
    const built = cluster({ discovery: { kind: "original-destination" } });
    assert.deepEqual([built.type, built.lbPolicy], ["ORIGINAL_DST", "CLUSTER_PROVIDED"]);
  });
});

describe("buildOutboundCluster() speaks", () => {
  const cases: readonly (readonly [string, Partial<OutboundClusterInputs>, Json])[] = [
    ["HTTP/1.1 to an HTTP port", { protocol: "HTTP" }, { explicitHttpConfig: { httpProtocolOptions: {} } }],
    ["HTTP/2 to a gRPC port", { protocol: "GRPC" }, { explicitHttpConfig: { http2ProtocolOptions: {} } }],
    [
      "HTTP/2 where upgraded",
      { protocol: "HTTP", isHttp2Upgraded: true },
      { explicitHttpConfig: { http2ProtocolOptions: {} } },
    ],
    [
      "the client's protocol to a sniffed port",
      { protocol: "UnsupportedProtocol" },
      { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} } },
    ],
    [
      "for a while, and a number of requests, on one connection",
      { policy: { connectionPool: { http: { idleTimeout: "30s", maxRequestsPerConnection: 9 } } } },
      {
        commonHttpProtocolOptions: { idleTimeout: "30s", maxRequestsPerConnection: 9 },
        explicitHttpConfig: { httpProtocolOptions: {} },
      },
    ],
  ];
  for (const [name, part, wanted] of cases) {
    test(name, () => {
      assert.deepEqual(httpOptions(inputs(part)), wanted);
    });
  }
});

describe("buildOutboundCluster() secures", () => {
  test("connections to endpoints that say they take mTLS, and no others", () => {
    const { transportSocketMatches = [] } = buildOutboundCluster(
      inputs({ tls: { kind: "automatic", serverName: "sni", identities: [SPIFFE_ID] } }),
    );
    assert.deepEqual(
      transportSocketMatches.map(({ name, match }) => [name, match]),
      [
        ["tlsMode-istio", { tlsMode: "istio" }],
        ["tlsMode-disabled", {}],
      ],
    );
    const context = tlsContext(transportSocketMatches[0]?.transportSocket);
    assert.equal(context.sni, "sni");
    assert.deepEqual(namesIn(context), [{ sanType: "URI", matcher: { exact: SPIFFE_ID } }]);
  });

  const protocols: readonly (readonly [Partial<OutboundClusterInputs>, readonly string[]])[] = [
    [{ protocol: "HTTP" }, ["istio-http/1.1", "istio", "http/1.1"]],
    [{ protocol: "GRPC" }, ["istio-h2", "istio", "h2"]],
    [{ protocol: "TCP" }, ["istio"]],
    [{ protocol: "UnsupportedProtocol" }, ["istio"]],
  ];
  for (const [part, alpn] of protocols) {
    test(`${part.protocol} with ALPN ${alpn[0]}`, () => {
      const tls = { kind: "mesh", serverName: "sni", identities: [], subjectAltNames: [] } as const;
      const context = tlsContext(buildOutboundCluster(inputs({ ...part, tls })).transportSocket);
      assert.deepEqual((context.commonTlsContext as Json).alpnProtocols, alpn);
    });
  }

  test("what the rule names: names of the rule before those of the workloads", () => {
    const tls = {
      kind: "mesh",
      serverName: "sni",
      identities: [SPIFFE_ID],
      subjectAltNames: ["a.com"],
    } as const;
    const context = tlsContext(buildOutboundCluster(inputs({ tls })).transportSocket);
    assert.deepEqual(namesIn(context), [{ sanType: "DNS", matcher: { exact: "a.com" } }]);
  });

  test("with a client's certificate from a Secret", () => {
    const settings = { mode: "MUTUAL", credentialName: "cert", sni: "a.com" } as const;
    const built = buildOutboundCluster(
      inputs({ tls: { kind: "configured", settings, subjectAltNames: [] } }),
    );
    const text = JSON.stringify(tlsContext(built.transportSocket));
    assert.match(text, /"kubernetes:\/\/cert"/);
    assert.match(text, /"kubernetes:\/\/cert-cacert"/);
  });

  const namesOfHost: readonly (readonly [string, ClientTlsSettings, JsonValue | undefined])[] = [
    ["the host that is asked for", {}, { autoSni: true, autoSanValidation: true }],
    ["a host that the rule names", { sni: "a.com" }, undefined],
    ["certificates that the rule names", { subjectAltNames: ["a.com"] }, { autoSni: true }],
    ["a server that isn't verified", { insecureSkipVerify: true }, { autoSni: true }],
  ];
  for (const [name, settings, wanted] of namesOfHost) {
    test(`TLS origination for ${name}`, () => {
      const configured = { mode: "SIMPLE", ...settings } as const;
      const tls = { kind: "configured", settings: configured, subjectAltNames: [] } as const;
      assert.deepEqual(httpOptions(inputs({ tls })).upstreamHttpProtocolOptions, wanted);
    });
  }

  test("with the curves and ciphers of MeshConfig's defaults, which aren't for workloads", () => {
    const defaults = { ecdhCurves: ["P-256", "P-000"], cipherSuites: ["ECDHE-RSA-AES256-GCM-SHA384"] };
    const settings = { mode: "SIMPLE" } as const;
    const tls = { kind: "configured", settings, subjectAltNames: [], defaults } as const;
    const { tlsParams } = tlsContext(buildOutboundCluster(inputs({ tls })).transportSocket)
      .commonTlsContext as Json;
    assert.deepEqual(tlsParams, {
      tlsMinimumProtocolVersion: "TLSv1_2",
      tlsMaximumProtocolVersion: "TLSv1_3",
      cipherSuites: ["ECDHE-RSA-AES256-GCM-SHA384"],
      ecdhCurves: ["P-256"],
    });
  });

  test("bytes for a wildcard host without a server name", () => {
    const tls = { kind: "configured", settings: { mode: "SIMPLE" }, subjectAltNames: [] } as const;
    const sniOf = (hostname: string) =>
      tlsContext(buildOutboundCluster(inputs({ tls, hostname })).transportSocket).sni;
    assert.deepEqual([sniOf("a.com"), sniOf("*.a.com")], ["a.com", undefined]);
  });

  test("without a look at the server's certificate where the rule says so", () => {
    const settings = { mode: "SIMPLE", insecureSkipVerify: true } as const;
    const built = buildOutboundCluster(
      inputs({ tls: { kind: "configured", settings, subjectAltNames: [] } }),
    );
    const common = tlsContext(built.transportSocket).commonTlsContext as Json;
    assert.deepEqual([common.validationContext, common.combinedValidationContext], [undefined, undefined]);
  });

  test("nothing in plaintext", () => {
    const built = buildOutboundCluster(inputs({}));
    assert.deepEqual([built.transportSocket, built.transportSocketMatches], [undefined, undefined]);
  });
});

test("buildOutboundCluster() weighs localities beside what outlier detection says", () => {
  const policy = { outlierDetection: { consecutive5xxErrors: 1 } };
  assert.deepEqual(cluster({ isLocalityWeighted: true, policy }).commonLbConfig, {
    healthyPanicThreshold: {},
    localityWeightedLbConfig: {},
  });
});

test("buildOutboundCluster() ejects by counted errors alone, of either origin", () => {
  const outlierDetection = { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 4 };
  assert.deepEqual(cluster({ policy: { outlierDetection } }).outlierDetection, {
    enforcingSuccessRate: 0,
    splitExternalLocalOriginErrors: true,
    enforcingLocalOriginSuccessRate: 0,
    consecutiveLocalOriginFailure: 4,
    enforcingConsecutiveLocalOriginFailure: 100,
  });
});

function inputs(part: Partial<OutboundClusterInputs>): OutboundClusterInputs {
  return {
    name: "outbound|80||web",
    hostname: "web",
    port: 80,
    subset: "",
    service: { name: "web", namespace: "shop" },
    protocol: "HTTP",
    discovery: { kind: "eds" },
    policy: {},
    tls: { kind: "plaintext" },
    connectTimeout: "10s",
    dnsRefreshRate: "60s",
    isHttp2Upgraded: false,
    isLocalityWeighted: false,
    provenance: [],
    ...part,
  };
}

/** Without extensions, which need a registry to print. */
function cluster(part: Partial<OutboundClusterInputs>): Json {
  const { typedExtensionProtocolOptions: _options, ...built } = buildOutboundCluster(inputs(part));
  return toJson(ClusterSchema, create(ClusterSchema, built)) as Json;
}

function httpOptions(part: OutboundClusterInputs): Json {
  const { typedExtensionProtocolOptions } = buildOutboundCluster(part);
  const options = messageIn(
    HttpProtocolOptionsSchema,
    typedExtensionProtocolOptions?.[HTTP_PROTOCOL_OPTIONS],
  );
  return toJson(HttpProtocolOptionsSchema, create(HttpProtocolOptionsSchema, options)) as Json;
}

function tlsContext(socket: ClusterInit["transportSocket"]): Json {
  const context = messageIn(UpstreamTlsContextSchema, socket?.configType?.value);
  return toJson(UpstreamTlsContextSchema, create(UpstreamTlsContextSchema, context)) as Json;
}

function namesIn({ commonTlsContext }: Json): JsonValue | undefined {
  const { combinedValidationContext } = commonTlsContext as { combinedValidationContext: Json };
  return (combinedValidationContext.defaultValidationContext as Json).matchTypedSubjectAltNames;
}
