import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Protocol } from "../../core/protocol.ts";
import type { InboundPort, MutualTlsMode } from "../../view/listener-inputs.ts";
import { buildVirtualInbound } from "./virtual-inbound.ts";

const HTTP_FILTER = "http";
const TCP_FILTER = "tcp";

describe("buildVirtualInbound()", () => {
  const cases: readonly (readonly [Protocol, MutualTlsMode, readonly string[]])[] = [
    ["HTTP", "STRICT", ["tls any: mTLS http"]],
    ["HTTP", "PERMISSIVE", ["tls mesh: mTLS http", "raw_buffer any: http"]],
    ["HTTP", "DISABLE", ["any any: http"]],
    ["TCP", "STRICT", ["tls any: mTLS tcp"]],
    ["TCP", "PERMISSIVE", ["tls mesh: mTLS tcp", "raw_buffer any: tcp", "tls any: tcp"]],
    ["TCP", "DISABLE", ["any any: tcp"]],
    ["UnsupportedProtocol", "STRICT", ["tls mesh http: mTLS http", "tls any: mTLS tcp"]],
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
    ["UnsupportedProtocol", "DISABLE", ["any http: http", "any any: tcp"]],
  ];
  for (const [protocol, mode, wanted] of cases) {
    test(`of a ${protocol} port, ${mode}, has the chains that accept what it may`, () => {
      assert.deepEqual(chainsOf(port(8080, protocol, mode), 8080), wanted);
    });
  }

  test("drops a connection to the capturing port itself", () => {
    const [first] =
      buildVirtualInbound({ ports: [], otherPortsMode: "STRICT", families: "ipv4", settings }, 15006)
        .filterChains ?? [];
    assert.equal(first?.filterChainMatch?.destinationPort, 15006);
    assert.equal(first.name, "virtualInbound-blackhole");
  });

  const others: Readonly<Record<MutualTlsMode, readonly string[]>> = {
    STRICT: ["tls any: mTLS tcp"],
    PERMISSIVE: ["tls mesh: mTLS tcp", "raw_buffer any: tcp", "tls any: tcp"],
    DISABLE: ["any any: tcp"],
  };
  for (const [mode, wanted] of Object.entries(others)) {
    test(`treats ports without a service by the workload's mode: ${mode}`, () => {
      const found = chainsOf(undefined, undefined, mode as MutualTlsMode);
      assert.deepEqual(found, wanted);
    });
  }

  test("waits for first bytes on no port whose protocol is known", () => {
    const built = buildVirtualInbound(
      {
        ports: [port(80, "HTTP", "STRICT"), port(81, "UnsupportedProtocol", "STRICT")],
        otherPortsMode: "STRICT",
        families: "ipv4",
        settings,
      },
      15006,
    );
    const inspector = built.listenerFilters?.find(({ name }) => name?.endsWith("http_inspector"));
    assert.deepEqual(inspector?.filterDisabled?.rule, {
      case: "destinationPortRange",
      value: { start: 80, end: 81 },
    });
  });
});

const settings = { pathNormalization: "BASE", protocolDetectionTimeout: "0s" } as const;

function port(number: number, protocol: Protocol, mode: MutualTlsMode): InboundPort {
  const route = { name: "default", destinations: [], mirrors: [], operation: "", source: [] };
  return { port: number, protocol, mode, hostname: "web", route, source: [] };
}

/** The chains of one destination port in words: `transport ALPN: what it does`. */
function chainsOf(
  inbound: InboundPort | undefined,
  number: number | undefined,
  otherPortsMode: MutualTlsMode = "STRICT",
): readonly string[] {
  const built = buildVirtualInbound(
    { ports: inbound === undefined ? [] : [inbound], otherPortsMode, families: "ipv4", settings },
    15006,
  );
  return (built.filterChains ?? [])
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
