// The capture rules of every back end on real traffic, in a network namespace made for it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { findEnvoy } from "../../../src/agent/envoy-binary.ts";
import type { CaptureBackend } from "../../../src/capture/capture-backend.ts";
import { captureCommands, captureRemovalCommands } from "../../../src/capture/capture-commands.ts";
import type { CaptureSettings } from "../../../src/capture/capture-settings.ts";
import { defaultCaptureSettings } from "../../../src/capture/capture-settings.ts";
import { dialInPod, namespaceSkip } from "./pod-namespace.ts";

const settings: CaptureSettings = {
  ...defaultCaptureSettings,
  inboundPorts: "*",
  inboundPortsExcluded: [8081],
  outboundRanges: "*",
  outboundPortsExcluded: [3306],
  ipv6: true,
};

const backends: readonly CaptureBackend[] = ["iptables-nft", "iptables-legacy", "nft"];

function skipOf(backend: CaptureBackend): string | false {
  const args = backend === "nft" ? ["nft", "list", "tables"] : [backend, "-t", "nat", "-S"];
  const works = spawnSync("unshare", ["--net", ...args]).status === 0;
  return namespaceSkip || (works ? false : `${backend} doesn't work on this machine`);
}

for (const backend of backends) {
  const skip = skipOf(backend);

  test(`${backend} leads calls to the proxy, in IPv4 and IPv6`, { skip }, async () => {
    const arrivals = await dialInPod({
      commands: captureCommands(settings, backend),
      dials: [
        { from: "pod", to: "10.9.0.2:80" },
        { from: "pod", to: "[fd09::2]:80" },
        { from: "peer", to: "10.9.0.1:8080" },
        { from: "peer", to: "[fd09::1]:8080" },
        { from: "pod", uid: 1337, to: "10.9.0.1:8080" },
        { from: "pod", uid: 1337, to: "[fd09::1]:8080" },
      ],
    });
    assert.deepEqual(arrivals.map(portOf), [
      "pod:15001",
      "pod:15001",
      "pod:15006",
      "pod:15006",
      "pod:15006",
      "pod:15006",
    ]);
  });

  test(`${backend} leaves alone what is excluded, the proxy's own and the app's to itself`, {
    skip,
  }, async () => {
    const arrivals = await dialInPod({
      commands: captureCommands(settings, backend),
      dials: [
        { from: "pod", to: "10.9.0.2:3306" },
        { from: "peer", to: "10.9.0.1:8081" },
        { from: "pod", uid: 1337, to: "10.9.0.2:80" },
        { from: "pod", uid: 1337, to: "[fd09::2]:80" },
        { from: "pod", to: "127.0.0.1:8080" },
        { from: "pod", to: "10.9.0.1:8080" },
      ],
    });
    assert.deepEqual(arrivals.map(portOf), [
      "peer:3306",
      "pod:8081",
      "peer:80",
      "peer:80",
      "pod:8080",
      "pod:8080",
    ]);
  });

  test(`${backend} keeps the caller's address in mode TPROXY`, { skip }, async () => {
    const envoy = await findEnvoy({ env: process.env, mayFetch: false });
    assert.ok("envoy" in envoy);
    const arrivals = await dialInPod({
      commands: captureCommands({ ...settings, mode: "TPROXY", ipv6: false }, backend),
      envoy: { path: envoy.envoy.path, bootstrap: JSON.stringify(transparentListener) },
      dials: [
        { from: "peer", to: "10.9.0.1:8080" },
        { from: "peer", to: "10.9.0.1:8081" },
        { from: "pod", to: "10.9.0.2:80" },
      ],
    });
    assert.equal(arrivals[0], "envoy, addresses kept");
    assert.deepEqual(arrivals.slice(1).map(portOf), ["pod:8081", "pod:15001"]);
  });

  test(`${backend} is taken out without a trace`, { skip }, async () => {
    for (const mode of ["REDIRECT", "TPROXY"] as const) {
      const both = { ...settings, mode };
      const list = backend === "nft" ? ["nft", "list", "ruleset"] : [`${backend}-save`];
      const check = `test -z "$(${list.join(" ")} | grep -i istio)" && test -z "$(ip rule | grep 133)"`;
      const arrivals = await dialInPod({
        commands: [
          ...captureCommands(both, backend),
          ...captureRemovalCommands(both, backend),
          { command: ["sh", "-c", check], input: "" },
        ],
        dials: [{ from: "pod", to: "10.9.0.2:80" }],
      });
      assert.deepEqual(arrivals, ["peer:80"]);
    }
  });
}

function portOf(arrival: string): string {
  return arrival.split(" ")[0] ?? "";
}

/** Answers by what it sees of a connection: whether both of its addresses are still those of caller and app. */
const transparentListener = {
  static_resources: {
    listeners: [
      {
        name: "virtualInbound",
        address: { socket_address: { address: "0.0.0.0", port_value: 15006 } },
        transparent: true,
        filter_chains: [
          {
            filter_chain_match: {
              destination_port: 8080,
              prefix_ranges: [{ address_prefix: "10.9.0.1", prefix_len: 32 }],
              source_prefix_ranges: [{ address_prefix: "10.9.0.2", prefix_len: 32 }],
            },
            filters: [answering("envoy, addresses kept")],
          },
        ],
        default_filter_chain: { filters: [answering("envoy, addresses lost")] },
      },
    ],
  },
};

function answering(text: string): object {
  const type = "type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config";
  return { name: "answer", typed_config: { "@type": type, response: { inline_string: text } } };
}
