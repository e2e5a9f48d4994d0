// Verdicts from the dump of a sidecar: the listener that the mesh builds for it, and the slots that its chains name.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Protocol } from "../../src/core/protocol.ts";
import { buildAuthorizationSlots } from "../../src/envoy/authorization/policy-slots.ts";
import { buildVirtualInbound } from "../../src/envoy/listener/virtual-inbound.ts";
import { buildPolicySlots } from "../../src/envoy/policy-slot/policy-slots.ts";
import type { Call } from "../../src/explain/call.ts";
import { decideAtSidecar } from "../../src/explain/decide-at-sidecar.ts";
import { readReceivedConfig } from "../../src/explain/received-config.ts";
import { buildResource } from "../../src/fleet/built-resource.ts";
import { configDumpJson } from "../../src/fleet/config-dump-json.ts";
import { TypedExtensionConfigSchema } from "../../src/gen/envoy/config/core/v3/extension_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import type { MutualTlsMode } from "../../src/model/mutual-tls-modes.ts";
import type { AuthorizationPolicyInputs } from "../../src/view/authorization-inputs.ts";
import { inputsOf, policyInputs } from "../support/authorization-fixture.ts";
import { httpCall, tcpCall } from "../support/call-fixture.ts";

const WEB = "cluster.local/ns/shop/sa/web";
const settings = { pathNormalization: "BASE", protocolDetectionTimeout: "0s" } as const;

interface Sidecar {
  readonly protocol?: Protocol;
  readonly mode?: MutualTlsMode;
  readonly policies?: readonly Partial<AuthorizationPolicyInputs>[];
  readonly hasSlots?: boolean;
}

function verdict(
  call: Call,
  { protocol = "HTTP", mode = "PERMISSIVE", policies = [], hasSlots = true }: Sidecar,
) {
  const listener = buildVirtualInbound(
    {
      ports: [{ port: 8080, protocol, mode }],
      otherPorts: [],
      otherPortsMode: "STRICT",
      families: "ipv4",
      settings,
    },
    15006,
  );
  const slots = [
    ...buildPolicySlots("RequestAuthentication", {}),
    ...buildAuthorizationSlots(inputsOf(policies.map(policyInputs))),
  ];
  const built = {
    listener: [buildResource(ListenerSchema, listener, { name: "virtualInbound" })],
    "extension-config": slots.map((slot) =>
      buildResource(TypedExtensionConfigSchema, slot, { name: slot.name ?? "" }),
    ),
  } as const;
  const resourcesOf = (type: string) => {
    if (type === "extension-config" && !hasSlots) return [];
    return built[type as keyof typeof built] ?? [];
  };
  const config = readReceivedConfig(configDumpJson(resourcesOf, { hasEndpoints: false }));
  const { verdict: said, reason } = decideAtSidecar(config, call, { nowSeconds: 0 });
  return `${said}: ${reason.kind}`;
}

const byWeb = [{ rules: [{ from: [{ source: { principals: [WEB] } }] }] }];

test("an identity is known where the port takes mTLS, and nobody's where it takes none", () => {
  const web = httpCall({ principal: WEB });
  assert.equal(verdict(web, { policies: byWeb }), "allowed: rule");
  assert.equal(verdict(web, { policies: byWeb, mode: "STRICT" }), "allowed: rule");
  assert.equal(verdict(web, { policies: byWeb, mode: "DISABLE" }), "denied: no-match");
  assert.equal(verdict(httpCall(), { policies: byWeb }), "denied: no-match");
  assert.equal(verdict(httpCall(), { mode: "STRICT" }), "denied: mutual-tls-only");
  assert.equal(verdict(httpCall(), {}), "allowed: no-policy");
});

test("a port without chains of its own has the mesh's mode", () => {
  assert.equal(verdict(httpCall({ port: 9999 }), {}), "denied: mutual-tls-only");
  assert.equal(verdict(httpCall({ port: 9999, principal: WEB }), { policies: byWeb }), "allowed: rule");
});

test("the protocol of the port decides what is seen of a call", () => {
  const post = [{ action: "DENY", rules: [{ to: [{ operation: { methods: ["POST"] } }] }] }] as const;
  const get = httpCall({ principal: WEB });
  assert.equal(verdict(get, { policies: post }), "allowed: no-policy");
  assert.equal(verdict(get, { policies: post, protocol: "UnsupportedProtocol" }), "allowed: no-policy");
  // A connection of bytes has no method: the rule denies them all.
  assert.equal(verdict(get, { policies: post, protocol: "TCP" }), "denied: rule");
  const connection = tcpCall({ principal: WEB });
  assert.equal(verdict(connection, { policies: post, protocol: "UnsupportedProtocol" }), "denied: rule");
  assert.equal(verdict(connection, { policies: post, protocol: "HTTP" }), "depends: open");
});

test("a slot that the proxy doesn't show, or a proxy without a listener, leaves a call open", () => {
  assert.equal(verdict(httpCall(), { hasSlots: false }), "depends: open");
  assert.equal(verdict(tcpCall(), { hasSlots: false, protocol: "TCP" }), "depends: open");
  const none = readReceivedConfig({ configs: [] });
  assert.equal(decideAtSidecar(none, httpCall(), { nowSeconds: 0 }).reason.kind, "no-listener");
});
