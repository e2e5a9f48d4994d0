import assert from "node:assert/strict";
import { test } from "node:test";
import { type CallOptions, httpCall, tcpCall } from "../../tests/support/call-fixture.ts";
import { decideAtGateway } from "./decide-at-gateway.ts";
import type { Decision } from "./decision.ts";
import { type JsonObject, readReceivedConfig } from "./received-config.ts";

const manager = (routes: string) => ({
  name: "manager",
  typed_config: {
    "@type": "type.googleapis.com/x.HttpConnectionManager",
    rds: { route_config_name: routes },
    http_filters: [],
    normalize_path: true,
  },
});
const tls = (fields: object = {}) => ({ transport_socket: { name: "tls", typed_config: fields } });
const meshRoots = {
  require_client_certificate: true,
  common_tls_context: {
    combined_validation_context: { validation_context_sds_secret_config: { name: "ROOTCA" } },
  },
};
const named = (...names: readonly string[]) => ({ filter_chain_match: { server_names: names } });

const hosts = [
  { domains: ["exact.example"], routes: [route("exact", { prefix: "/" })] },
  { domains: ["*.example"], routes: [route("short", { prefix: "/" })] },
  { domains: ["*.long.example"], routes: [route("long", { path_separated_prefix: "/a" })] },
  { domains: ["front.*"], routes: [route("front", { prefix: "/" })] },
  { domains: ["moved.test"], require_tls: "ALL", routes: [route("moved", { prefix: "/" })] },
  {
    domains: ["*"],
    routes: [
      route("header", { prefix: "/h", headers: [{ name: "x-a", string_match: { exact: "1" } }] }),
      route("chance", { prefix: "/chance", runtime_fraction: { default_value: { numerator: 50 } } }),
    ],
  },
];

function route(from: string, match: JsonObject) {
  return { match, metadata: { filter_metadata: { meltemi: { from } } } };
}

const listener = (port: number, filter_chains: readonly object[]) => ({
  active_state: {
    listener: { name: `0.0.0.0_${port}`, address: { socket_address: { port_value: port } }, filter_chains },
  },
});

const config = readReceivedConfig({
  configs: [
    {
      "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
      dynamic_listeners: [
        listener(8080, [{ filters: [manager("routes")] }]),
        listener(8443, [
          { ...named("exact.example"), ...tls(), filters: [manager("routes")] },
          { ...named("*.example"), ...tls(meshRoots), filters: [manager("routes")] },
          {
            ...named("*.long.example"),
            ...tls({ require_client_certificate: true }),
            filters: [manager("routes")],
          },
          { ...named("pass.test"), filters: [] },
        ]),
      ],
    },
    {
      "@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
      dynamic_route_configs: [
        {
          route_config: {
            name: "routes",
            ignore_port_in_host_matching: true,
            virtual_hosts: hosts.map((host) => ({ name: "host", ...host })),
          },
        },
      ],
    },
  ],
});

/** `allowed no-policy exact`: verdict, reason, route. */
function said({ verdict, reason, route: from = "" }: Decision): string {
  const needs = reason.kind === "open" ? ` (${reason.needs.join(", ")})` : "";
  return `${verdict} ${reason.kind}${needs} ${from}`.trim();
}

function ask(options: CallOptions, isTls = false): string {
  const call = httpCall({ port: isTls ? 8443 : 8080, ...options });
  return said(decideAtGateway(config, call, { isTls, nowSeconds: 0 }));
}

test("decideAtGateway() finds the virtual host and the route as Envoy does", () => {
  for (const [authority, path, wanted] of [
    ["exact.example", "/", "allowed no-policy exact"],
    ["EXACT.example:8080", "/", "allowed no-policy exact"],
    ["x.example", "/", "allowed no-policy short"],
    ["x.long.example", "/a/b", "allowed no-policy long"],
    ["x.long.example", "/ab", "denied no-route"],
    ["front.anything", "/", "allowed no-policy front"],
    ["moved.test", "/", "denied redirect"],
    ["other.test", "/x/../h", "denied no-route"],
    ["other.test", "/chance", "depends open (chance)"],
  ] as const)
    assert.equal(ask({ authority, path }), wanted, authority + path);
  assert.equal(
    ask({ authority: "other.test", path: "/x/../h", headers: { "x-a": "1" } }),
    "allowed no-policy header",
  );
  assert.equal(ask({ authority: "other.test", path: "/h", headers: null }), "depends open (the header x-a)");
});

test("decideAtGateway() finds the server by port and by the name in TLS", () => {
  const at = (serverName: string | undefined, options: CallOptions = {}) =>
    ask({ authority: "exact.example", ...(serverName !== undefined && { serverName }), ...options }, true);
  assert.equal(at("exact.example"), "allowed no-policy exact");
  assert.equal(at("exact.other"), "denied no-server");
  assert.equal(at(undefined), "depends open (the server's name in TLS)");
  assert.equal(at("exact.example", { port: 9999 }), "denied no-server");
  assert.equal(ask({ port: 8443 }), "denied no-server");
  const connection = { ...tcpCall({ port: 8443, serverName: "pass.test" }) };
  assert.equal(
    said(decideAtGateway(config, connection, { isTls: true, nowSeconds: 0 })),
    "allowed no-policy",
  );
});

test("decideAtGateway() asks for a certificate where the server does", () => {
  const principal = "cluster.local/ns/shop/sa/web";
  const at = (serverName: string, options: CallOptions = {}) =>
    ask({ authority: "exact.example", serverName, ...options }, true);
  assert.equal(at("a.example"), "denied mutual-tls-only");
  assert.equal(at("a.example", { principal }), "allowed no-policy exact");
  assert.equal(at("a.long.example"), "allowed no-policy exact");
});

test("decideAtGateway() waits for listeners", () => {
  const none = readReceivedConfig({ configs: [] });
  assert.equal(
    said(decideAtGateway(none, httpCall(), { isTls: false, nowSeconds: 0 })),
    "depends no-listener",
  );
});
