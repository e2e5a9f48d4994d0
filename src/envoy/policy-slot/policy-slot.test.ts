import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxySide } from "../listener/filter-chain-inputs.ts";
import { buildHttpFilters } from "../listener/http-filters.ts";
import { buildNetworkFilters } from "../listener/network-filters.ts";
import { httpPolicySlots, networkPolicySlots } from "../slot-order.ts";
import { httpSlotName } from "./http-slot.ts";
import { networkSlotName, severalProviderSlots, soleProviderSlots } from "./network-slot.ts";

const settings = { pathNormalization: "BASE", protocolDetectionTimeout: "0s" } as const;
const sides: readonly ProxySide[] = ["outbound", "inbound-mutual-tls", "inbound-plaintext", "gateway"];

function namesOfHttp(side: ProxySide): readonly (string | undefined)[] {
  const forward = { kind: "http", side, statPrefix: "s", routeName: "r", hasGrpcWeb: false } as const;
  return buildHttpFilters(forward).map(({ name }) => name);
}

function namesOfTcp(side: ProxySide, more: { readonly asksSeveralProviders?: true } = {}) {
  const forward = { kind: "tcp", side, destinations: [{ cluster: "c", weight: 1 }] } as const;
  return buildNetworkFilters({ forward, settings: { ...settings, ...more } }).map(({ name }) => name);
}

test("requests meet every policy slot in order, but for those that leave a workload", () => {
  const slots = httpPolicySlots.map(httpSlotName);
  for (const side of sides) {
    const found = namesOfHttp(side).filter((name) => name?.startsWith("meltemi.http."));
    assert.deepEqual(found, side === "outbound" ? [] : slots, side);
  }
});

test("connections meet every policy slot in order, and of the first-byte slots their own", () => {
  const numbered = severalProviderSlots.flat();
  const common = networkPolicySlots
    .slice(0, -2)
    .filter((slot) => !numbered.includes(slot))
    .map(networkSlotName);
  const ownBySide = {
    "inbound-mutual-tls": "meltemi.network.first-byte-mutual-tls",
    "inbound-plaintext": "meltemi.network.first-byte-plaintext",
  };
  assert.deepEqual(
    sides.map((side) => namesOfTcp(side).slice(0, -1)),
    [
      [],
      [...common, ownBySide["inbound-mutual-tls"]],
      [...common, ownBySide["inbound-plaintext"]],
      [...common],
    ],
  );
});

test("connections meet a slot for each of several providers where they are asked, and the others as ever", () => {
  const [rules, provider, ...rest] = namesOfTcp("gateway");
  assert.deepEqual([rules, provider], soleProviderSlots.flat().map(networkSlotName));
  assert.deepEqual(namesOfTcp("gateway", { asksSeveralProviders: true }), [
    ...severalProviderSlots.flat().map(networkSlotName),
    ...rest,
  ]);
  assert.deepEqual(namesOfTcp("outbound", { asksSeveralProviders: true }), namesOfTcp("outbound"));
});

test("a slot makes its listener wait until it is filled", () => {
  const [slot] = buildHttpFilters({
    kind: "http",
    side: "gateway",
    statPrefix: "s",
    routeName: "r",
    hasGrpcWeb: false,
  });
  assert.equal(slot?.configType?.case, "configDiscovery");
  const { configSource, defaultConfig } = slot.configType.value as {
    configSource: { initialFetchTimeout: unknown };
    defaultConfig?: unknown;
  };
  assert.deepEqual(configSource.initialFetchTimeout, { seconds: 0n, nanos: 0 });
  assert.equal(defaultConfig, undefined);
});
