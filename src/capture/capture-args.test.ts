import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCaptureArgs, parseCaptureArgs } from "./capture-args.ts";
import { defaultCaptureSettings } from "./capture-settings.ts";

const plain = { env: {}, resolvers: { ipv4: ["10.96.0.10"], ipv6: [] } };

// What injection writes into the init container of an ordinary pod.
const usual = [
  ["-p", "15001"],
  ["-z", "15006"],
  ["-u", "1337"],
  ["-m", "REDIRECT"],
  ["-i", "*"],
  ["-x", ""],
  ["-b", "*"],
  ["-d", "15090,15021,15020"],
].flat();

test("parseCaptureArgs() reads the arguments of the init container", () => {
  const parsed = parseCaptureArgs(["istio-iptables", ...usual, "--log_output_level=default:info"], plain);
  assert.deepEqual(parsed, {
    kind: "parsed",
    settings: {
      ...defaultCaptureSettings,
      outboundRanges: "*",
      inboundPorts: "*",
      inboundPortsExcluded: [15090, 15021, 15020],
    },
  });
});

test("formatCaptureArgs() writes what parseCaptureArgs() reads", () => {
  const settings = {
    ...defaultCaptureSettings,
    mode: "TPROXY",
    outboundRanges: ["10.0.0.0/8", "fd00::/8"],
    outboundPorts: [9000],
    outboundPortsExcluded: [3306, 6379],
    rerouteInterfaces: ["eth1", "eth2"],
    excludedInterfaces: ["not-istio-nic"],
    inboundPorts: [8080],
    dropInvalid: true,
    ipv6: true,
  } as const;
  assert.deepEqual(parseCaptureArgs(formatCaptureArgs(settings), plain), { kind: "parsed", settings });
});

test("formatCaptureArgs() leaves out flags at their default beyond the usual ones", () => {
  const settings = {
    ...defaultCaptureSettings,
    outboundRanges: "*",
    inboundPorts: "*",
    inboundPortsExcluded: [15090, 15021, 15020],
  } as const;
  assert.deepEqual(formatCaptureArgs(settings), usual);
});

test("parseCaptureArgs() reads long flags with an equals sign", () => {
  const parsed = parseCaptureArgs(["--envoy-port=16001", "--drop-invalid"], plain);
  assert.ok(parsed.kind === "parsed");
  assert.deepEqual([parsed.settings.outboundPort, parsed.settings.dropInvalid], [16001, true]);
});

test("parseCaptureArgs() captures DNS to the pod's resolvers when its environment says so", () => {
  const parsed = parseCaptureArgs([], { ...plain, env: { ISTIO_META_DNS_CAPTURE: "true" } });
  assert.ok(parsed.kind === "parsed");
  assert.deepEqual(parsed.settings.dns, { kind: "servers", ipv4: ["10.96.0.10"], ipv6: [] });
});

test("parseCaptureArgs() captures all DNS where the flag asks for it", () => {
  const parsed = parseCaptureArgs(["--redirect-dns", "--capture-all-dns"], plain);
  assert.ok(parsed.kind === "parsed");
  assert.deepEqual(parsed.settings.dns, { kind: "all" });
});

const wrong = [
  {
    args: ["-o", "70000"],
    says: /--istio-local-outbound-ports-exclude "70000": wanted ports from 1 to 65535/,
  },
  { args: ["-x", "10.0.0.0/40"], says: /--istio-service-exclude-cidr "10.0.0.0\/40": wanted ranges/ },
  { args: ["-x", "*"], says: /wanted ranges/ },
  { args: ["-m", "MAGIC"], says: /"MAGIC": wanted "REDIRECT" or "TPROXY"/ },
  { args: ["-u", "1337 -j ACCEPT"], says: /wanted names/ },
  { args: ["--envoy-prot", "1"], says: /"--envoy-prot": no such flag/ },
];

for (const { args, says } of wrong) {
  test(`parseCaptureArgs() refuses ${args.join(" ")}`, () => {
    const parsed = parseCaptureArgs(args, plain);
    assert.ok(parsed.kind === "invalid");
    assert.match(parsed.problems[0]?.message ?? "", says);
  });
}
