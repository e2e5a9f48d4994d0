import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Protocol } from "../../core/protocol.ts";
import { FilterChainSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import type { MutualTlsMode } from "../../model/mutual-tls-modes.ts";
import type { InboundListenerInputs, InboundPort } from "../../view/listener-inputs.ts";
import { encode } from "../encode.ts";
import { buildInboundRoutes } from "../route/inbound-routes.ts";
import { buildVirtualInbound } from "./virtual-inbound.ts";

const HTTP_FILTER = "http";
const TCP_FILTER = "tcp";

describe("buildVirtualInbound()", () => {
  const cases: readonly (readonly [Protocol, MutualTlsMode, readonly string[]])[] = [
    ["HTTP", "STRICT", ["tls mesh: mTLS http", "tls any: mTLS http"]],
    ["HTTP", "PERMISSIVE", ["tls mesh: mTLS http", "raw_buffer any: http"]],
    ["HTTP", "DISABLE", ["raw_buffer any: http"]],
    ["TCP", "STRICT", ["tls mesh: mTLS tcp", "tls any: mTLS tcp"]],
    ["TCP", "PERMISSIVE", ["tls mesh: mTLS tcp", "raw_buffer any: tcp", "tls any: tcp"]],
    ["TCP", "DISABLE", ["raw_buffer any: tcp"]],
    [
      "UnsupportedProtocol",
      "STRICT",
      ["tls mesh http: mTLS http", "tls mesh tcp: mTLS tcp", "tls any: mTLS tcp"],
    ],
    [
      "UnsupportedProtocol",
      "PERMISSIVE",
      [
        "tls mesh http: mTLS http",
        "tls mesh tcp: mTLS tcp",
        "raw_buffer http: http",
        "raw_buffer any: tcp",
        "tls any: tcp",
      ],
    ],
    ["UnsupportedProtocol", "DISABLE", ["raw_buffer http: http", "raw_buffer any: tcp"]],
  ];
  for (const [protocol, mode, wanted] of cases) {
    test(`of a ${protocol} port, ${mode}, has the chains that accept what it may`, () => {
      assert.deepEqual(chains(inputs({ ports: [port(8080, protocol, mode)] }), 8080), wanted);
    });
  }

  for (const protocol of ["HTTP", "TCP"] as const) {
    test(`has the same chains for mTLS of the mesh whether or not a ${protocol} port takes plaintext`, () => {
      const chainsOf = (mode: MutualTlsMode) =>
        (buildVirtualInbound(inputs({ ports: [port(80, protocol, mode)] }), 15006).filterChains ?? [])
          .filter(({ filterChainMatch }) => filterChainMatch?.destinationPort === 80)
          .map((chain) => Buffer.from(encode(FilterChainSchema, chain).bytes).toString("base64"));
      const [ofMesh = ""] = chainsOf("PERMISSIVE");
      assert.equal(chainsOf("STRICT")[0], ofMesh);
    });
  }

  test("refers to the route configurations that are built with it, and to no others", () => {
    const ports = [
      port(80, "HTTP", "STRICT"),
      port(81, "TCP", "DISABLE"),
      port(82, "UnsupportedProtocol", "PERMISSIVE"),
    ];
    const own = inputs({ ports, otherPorts: [{ port: 90, mode: "DISABLE" }] });
    const { references } = encode(ListenerSchema, buildVirtualInbound(own, 15006));
    const names = references.filter(({ type }) => type === "route").map(({ name }) => name);
    assert.deepEqual(
      names.sort(),
      buildInboundRoutes(own, { attempts: 0 })
        .map(({ name = "" }) => name)
        .sort(),
    );
    assert.equal(names.length, 3);
  });

  test("drops a connection to the capturing port itself", () => {
    const [first] = buildVirtualInbound(inputs({}), 15006).filterChains ?? [];
    assert.equal(first?.filterChainMatch?.destinationPort, 15006);
    assert.equal(first.name, "virtualInbound-blackhole");
  });

  const others: Readonly<Record<MutualTlsMode, readonly string[]>> = {
    STRICT: ["tls mesh http: mTLS http", "tls mesh tcp: mTLS tcp", "tls any: mTLS tcp"],
    PERMISSIVE: [
      "tls mesh http: mTLS http",
      "tls mesh tcp: mTLS tcp",
      "raw_buffer http: http",
      "raw_buffer any: tcp",
      "tls any: tcp",
    ],
    DISABLE: ["raw_buffer http: http", "raw_buffer any: tcp"],
  };
  for (const [mode, wanted] of Object.entries(others)) {
    test(`treats ports without a service by the workload's mode: ${mode}`, () => {
      assert.deepEqual(chains(inputs({ otherPortsMode: mode as MutualTlsMode }), undefined), wanted);
    });

    test(`treats a port without a service by a mode of its own: ${mode}`, () => {
      const own = inputs({ otherPorts: [{ port: 9090, mode: mode as MutualTlsMode }] });
      assert.deepEqual(chains(own, 9090), wanted);
    });
  }

  test("names the chains of ports without a service as Istio does", () => {
    const { filterChains = [] } = buildVirtualInbound(inputs({}), 15006);
    assert.deepEqual(
      filterChains.map(({ name }) => name),
      ["virtualInbound-blackhole", "virtualInbound-catchall-http", "virtualInbound", "virtualInbound"],
    );
  });

  test("waits for first bytes on no port whose protocol is known", () => {
    const ports = [port(80, "HTTP", "STRICT"), port(81, "UnsupportedProtocol", "STRICT")];
    assert.deepEqual(disabledRule(inputs({ ports }), "http_inspector"), {
      case: "destinationPortRange",
      value: { start: 80, end: 81 },
    });
  });

  test("looks for no TLS on a port without mTLS", () => {
    const ports = [port(80, "HTTP", "STRICT"), port(81, "TCP", "DISABLE")];
    const otherPorts = [{ port: 82, mode: "DISABLE" as const }];
    assert.deepEqual(disabledRule(inputs({ ports, otherPorts }), "tls_inspector"), {
      case: "orMatch",
      value: {
        rules: [81, 82].map((start) => ({
          rule: { case: "destinationPortRange", value: { start, end: start + 1 } },
        })),
      },
    });
  });

  test("looks for TLS on the ports alone that have mTLS where the workload has none", () => {
    const disabled = inputs({ otherPortsMode: "DISABLE" });
    const ports = [port(80, "HTTP", "STRICT"), port(81, "TCP", "DISABLE")];
    assert.deepEqual(disabledRule({ ...disabled, ports }, "tls_inspector"), {
      case: "notMatch",
      value: { rule: { case: "destinationPortRange", value: { start: 80, end: 81 } } },
    });
    assert.deepEqual(disabledRule(disabled, "tls_inspector"), { case: "anyMatch", value: true });
  });
});

const settings = { pathNormalization: "BASE", protocolDetectionTimeout: "0s" } as const;

function inputs(given: Partial<InboundListenerInputs>): InboundListenerInputs {
  return { ports: [], otherPortsMode: "STRICT", otherPorts: [], families: "ipv4", settings, ...given };
}

function port(port: number, protocol: Protocol, mode: MutualTlsMode): InboundPort {
  return { port, protocol, mode };
}

function disabledRule(listener: InboundListenerInputs, filter: string): unknown {
  const { listenerFilters = [] } = buildVirtualInbound(listener, 15006);
  return listenerFilters.find(({ name }) => name?.endsWith(filter))?.filterDisabled?.rule;
}

/** The chains of one destination port in words: `transport ALPN: what it does`. */
function chains(listener: InboundListenerInputs, number: number | undefined): readonly string[] {
  return (buildVirtualInbound(listener, 15006).filterChains ?? [])
    .filter(({ filterChainMatch }) => filterChainMatch?.destinationPort === number)
    .map(({ filterChainMatch, filters, transportSocket }) => {
      const filter = filters?.[0]?.name?.endsWith("http_connection_manager") ? HTTP_FILTER : TCP_FILTER;
      const transport = filterChainMatch?.transportProtocol || "any";
      const tls = transportSocket === undefined ? "" : "mTLS ";
      return `${transport} ${protocolsInWords(filterChainMatch?.applicationProtocols ?? [])}: ${tls}${filter}`;
    });
}

function protocolsInWords(alpn: readonly string[]): string {
  if (alpn.length === 0) return "any";
  if (alpn.includes("http/1.1")) return "http";
  const hasHttp = alpn.includes("istio-http/1.1");
  const hasTcp = alpn.includes("istio");
  return hasHttp && hasTcp ? "mesh" : hasHttp ? "mesh http" : "mesh tcp";
}
