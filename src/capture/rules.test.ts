import assert from "node:assert/strict";
import { test } from "node:test";
import type { CaptureSettings } from "./capture-settings.ts";
import { defaultCaptureSettings } from "./capture-settings.ts";
import { renderIptablesRestore } from "./render-iptables-restore.ts";
import type { AddressFamily } from "./rule.ts";
import { buildRules } from "./rules.ts";

function lines(changes: Partial<CaptureSettings>, family: AddressFamily = "ipv4"): string[] {
  return renderIptablesRestore(buildRules({ ...defaultCaptureSettings, ...changes }), family).split("\n");
}

test("buildRules() lets excluded outbound ports go before anything else, in TCP and UDP", () => {
  const output = lines({ outboundPortsExcluded: [3306] }).filter((line) =>
    line.startsWith("-A ISTIO_OUTPUT "),
  );
  assert.deepEqual(output.slice(0, 2), [
    "-A ISTIO_OUTPUT -p tcp --dport 3306 -j RETURN",
    "-A ISTIO_OUTPUT -p udp --dport 3306 -j RETURN",
  ]);
});

test("buildRules() lets excluded inbound ports go before the rest is captured", () => {
  const inbound = lines({ inboundPorts: "*", inboundPortsExcluded: [15020] });
  const excluded = inbound.indexOf("-A ISTIO_INBOUND -p tcp --dport 15020 -j RETURN");
  assert.ok(excluded > 0);
  assert.ok(excluded < inbound.indexOf("-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT"));
});

test("buildRules() keeps ranges of one family out of the other's rules", () => {
  const changes = { outboundRanges: ["10.0.0.0/8", "fd00::/8"], ipv6: true };
  const redirects = (family: AddressFamily) =>
    lines(changes, family).filter((line) => /^-A ISTIO_OUTPUT -d .* -j ISTIO_REDIRECT/.test(line));
  assert.deepEqual(redirects("ipv4"), ["-A ISTIO_OUTPUT -d 10.0.0.0/8 -j ISTIO_REDIRECT"]);
  assert.deepEqual(redirects("ipv6"), ["-A ISTIO_OUTPUT -d fd00::/8 -j ISTIO_REDIRECT"]);
});

test("buildRules() captures calls over loopback when a loopback range is listed", () => {
  const free = "-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN";
  assert.ok(lines({ outboundRanges: ["10.0.0.0/8"] }).includes(free));
  assert.ok(!lines({ outboundRanges: ["127.1.2.3/32"] }).includes(free));
});

test("buildRules() redirects every DNS query when all is to be captured", () => {
  const found = lines({ dns: { kind: "all" } });
  assert.ok(found.includes("-A ISTIO_OUTPUT_DNS -p udp --dport 53 -j REDIRECT --to-port 15053"));
  assert.ok(found.includes("-A ISTIO_INBOUND -p udp --sport 53 -j CT --zone 1"));
});

test("buildRules() makes no DNS rule for a pod without resolvers", () => {
  const found = lines({ dns: { kind: "servers", ipv4: [], ipv6: [] } });
  assert.deepEqual(found, lines({}));
});
