// What TPROXY needs beside the inbound rules: chains that mark, and marks that keep the proxy's own
// packets from being taken again. Routes by mark are in capture-commands.ts.

import type { CaptureSettings } from "./capture-settings.ts";
import {
  chainNames,
  loopbackOf,
  mangleInbound,
  mangleKernelOutput,
  manglePrerouting,
  proxyToAppAddress,
} from "./chains.ts";
import type { Match, Rule } from "./rule.ts";
import { append, insertAt, isOwner, tcp } from "./rule.ts";

/** Packets from the proxy to its own pod's address: to be taken again, as inbound. */
const PROXY_TO_POD_MARK = 1338;

const outLoopback: Match = { kind: "outInterface", name: "lo" };
const inLoopback: Match = { kind: "inInterface", name: "lo" };

export function tproxyChainRules(settings: CaptureSettings): Rule[] {
  const divert = { table: "mangle", chain: chainNames.divert } as const;
  const notLoopback: Match = {
    kind: "destination",
    address: loopbackOf(settings.loopbackCidr),
    not: true,
  };
  return [
    append(divert, [], { kind: "setMark", mark: settings.tproxyMark }),
    append(divert, [], { kind: "accept" }),
    append({ table: "mangle", chain: chainNames.tproxy }, [notLoopback, tcp], {
      kind: "tproxy",
      port: settings.inboundPort,
      mark: settings.tproxyMark,
    }),
  ];
}

export function tproxyMarkRules(settings: CaptureSettings): Rule[] {
  const marked: Match = { kind: "mark", mark: settings.tproxyMark };
  const notFromProxy: Match = { kind: "mark", mark: PROXY_TO_POD_MARK, not: true };
  return [
    append(manglePrerouting, [tcp, marked], { kind: "saveMark" }),
    append(mangleKernelOutput, [tcp, outLoopback, marked], { kind: "return" }),
    ...settings.proxyUsers.map((id) => proxyToPodRule(settings, isOwner("ownerUser", id))),
    ...settings.proxyGroups.map((id) => proxyToPodRule(settings, isOwner("ownerGroup", id))),
    append(mangleKernelOutput, [tcp, { kind: "connectionMark", mark: settings.tproxyMark }], {
      kind: "restoreMark",
    }),
    insertAt(1, mangleInbound, [tcp, marked], { kind: "return" }),
    insertAt(2, mangleInbound, [tcp, { kind: "source", address: proxyToAppAddress }, inLoopback], {
      kind: "return",
    }),
    insertAt(3, mangleInbound, [tcp, inLoopback, notFromProxy], { kind: "return" }),
  ];
}

function proxyToPodRule(settings: CaptureSettings, owner: Match): Rule {
  const notLoopback: Match = {
    kind: "destination",
    address: loopbackOf(settings.loopbackCidr),
    not: true,
  };
  return append(mangleKernelOutput, [notLoopback, tcp, outLoopback, owner], {
    kind: "setMark",
    mark: PROXY_TO_POD_MARK,
  });
}
