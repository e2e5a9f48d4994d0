// Runs Istio's iptables cases: the restore input must have the same tables, chains and rules in the same order.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { CaptureSettings } from "../../src/capture/capture-settings.ts";
import { defaultCaptureSettings } from "../../src/capture/capture-settings.ts";
import { renderIptablesRestore } from "../../src/capture/render-iptables-restore.ts";
import { buildRules } from "../../src/capture/rules.ts";
import { caseDirectory, skipWithout } from "./case-directory.ts";
import { deviationsOf } from "./deviations.ts";

const directory = caseDirectory("iptables");
const deviations = deviationsOf("iptables");

if (directory === undefined) {
  test("iptables cases", { skip: skipWithout(directory) }, () => undefined);
} else {
  const names = readdirSync(directory).filter((file) => file.endsWith(".json"));
  test("iptables cases are there", () => assert.ok(names.length > 0));
  for (const file of names) {
    const name = file.replace(/\.json$/, "");
    test(`iptables case ${name}`, () => runCase(directory, name));
  }
}

function runCase(folder: string, name: string): void {
  const { config } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8")) as { config: CaseConfig };
  const wanted = restoreInput(readFileSync(`${folder}/${name}.golden`, "utf8"));
  const settings = settingsOf(config);
  const rules = buildRules(settings);
  const ipv6 = settings.ipv6 ? renderIptablesRestore(rules, "ipv6") : "";
  const found = restoreInput(renderIptablesRestore(rules, "ipv4") + ipv6);
  if (deviations.has(name))
    assert.notDeepEqual(found, wanted, `${name} agrees: take it out of deviations.yaml`);
  else assert.deepEqual(found, wanted);
}

/** Leaves out the calls of other programs around the input. */
function restoreInput(text: string): string[] {
  return text.split("\n").filter((line) => /^(\* |-|COMMIT)/.test(line));
}

interface CaseConfig {
  readonly [key: string]: unknown;
}

function settingsOf(config: CaseConfig): CaptureSettings {
  return {
    ...defaultCaptureSettings,
    outboundPort: numberOf(config.PROXY_PORT),
    inboundPort: numberOf(config.INBOUND_CAPTURE_PORT),
    tunnelPort: numberOf(config.INBOUND_TUNNEL_PORT),
    proxyUsers: listOf(config.PROXY_UID),
    proxyGroups: listOf(config.PROXY_GID),
    mode: config.INBOUND_INTERCEPTION_MODE === "TPROXY" ? "TPROXY" : "REDIRECT",
    tproxyMark: numberOf(config.INBOUND_TPROXY_MARK),
    tproxyRouteTable: numberOf(config.INBOUND_TPROXY_ROUTE_TABLE),
    inboundPorts: allOr(config.INBOUND_PORTS_INCLUDE, numbersOf),
    inboundPortsExcluded: numbersOf(config.INBOUND_PORTS_EXCLUDE),
    outboundPorts: numbersOf(config.OUTBOUND_PORTS_INCLUDE),
    outboundPortsExcluded: numbersOf(config.OUTBOUND_PORTS_EXCLUDE),
    outboundRanges: allOr(config.OUTBOUND_IPRANGES_INCLUDE, listOf),
    outboundRangesExcluded: listOf(config.OUTBOUND_IPRANGES_EXCLUDE),
    rerouteInterfaces: listOf(config.KUBE_VIRT_INTERFACES),
    excludedInterfaces: listOf(config.EXCLUDE_INTERFACES),
    ownerGroups: allOr(config.OUTBOUND_OWNER_GROUPS_INCLUDE, listOf),
    ownerGroupsExcluded: listOf(config.OUTBOUND_OWNER_GROUPS_EXCLUDE),
    dns: dnsOf(config),
    dropInvalid: config.DROP_INVALID === true,
    loopbackCidr: String(config.HOST_IPV4_LOOPBACK_CIDR),
    ipv6: config.ENABLE_INBOUND_IPV6 === true,
  };
}

function dnsOf(config: CaseConfig): CaptureSettings["dns"] {
  if (config.REDIRECT_DNS !== true) return { kind: "off" };
  if (config.CAPTURE_ALL_DNS === true) return { kind: "all" };
  const servers = (key: string) => (config[key] as string[] | null) ?? [];
  return { kind: "servers", ipv4: servers("DNS_SERVERS_V4"), ipv6: servers("DNS_SERVERS_V6") };
}

function allOr<T>(value: unknown, read: (value: unknown) => T): "*" | T {
  return value === "*" ? "*" : read(value);
}

function listOf(value: unknown): string[] {
  return String(value ?? "")
    .split(",")
    .filter((word) => word !== "");
}

function numbersOf(value: unknown): number[] {
  return listOf(value).map(numberOf);
}

function numberOf(value: unknown): number {
  return Number(value);
}
