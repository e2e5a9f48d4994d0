// What a ServiceEntry's schema can't say: which hosts, endpoints and ports go with each resolution.

import { isIpAddress } from "../../core/cidr.ts";
import { hostnameFault, isWildcard } from "../../core/hostname.ts";
import { spellingHint } from "../../core/nearest-spelling.ts";
import { parseProtocol, protocolWords } from "../../core/protocol.ts";
import type { ObjectMeta } from "../object-meta.ts";
import { checkLabel, isDnsLabel } from "../object-name.ts";
import type { TypeOf } from "../schema.ts";
import type { Findings } from "../value-rules.ts";
import {
  checkExportTo,
  checkHostname,
  checkIpOrRange,
  checkPort,
  checkWildcardHostname,
} from "../value-rules.ts";
import type { serviceEntrySpec, workloadEntrySpec } from "./service-entry-spec.ts";

type Spec = TypeOf<typeof serviceEntrySpec>;
type Endpoint = TypeOf<typeof workloadEntrySpec>;

interface ServiceEntryLike {
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: Spec;
}

export function* serviceEntryRules({ metadata, spec }: ServiceEntryLike): Findings {
  yield* checkHosts(spec);
  yield* checkAddresses(spec);
  yield* checkPorts(spec);
  yield* checkSelector(spec);
  yield* checkResolution(spec);
  const portNames = new Set((spec.ports ?? []).map(({ name }) => name));
  for (const [index, endpoint] of (spec.endpoints ?? []).entries()) {
    yield* checkEndpoint(`spec.endpoints[${index}]`, endpoint, { spec, portNames });
  }
  yield* checkExportTo(spec.exportTo, { namespace: metadata.namespace, allowsNone: true });
}

function* checkHosts({ hosts }: Spec): Findings {
  if (hosts.length === 0)
    yield { code: "MLT1006", path: "spec.hosts", message: "at least one host is needed" };
  for (const [index, host] of hosts.entries()) {
    const path = `spec.hosts[${index}]`;
    if (host === "*") yield { path, message: '"*" can\'t be a host: it would take all traffic' };
    else yield* checkWildcardHostname(path, host);
    if (/^\*[^.]/.test(host)) {
      yield { severity: "warning", path, message: `"${host}" has a wildcard within a label, wanted "*."` };
    }
  }
}

// Those whose connections carry no host name that can be seen.
const tcpProtocols: ReadonlySet<string> = new Set(["", "TCP", "HTTPS", "TLS", "MONGO", "REDIS", "MYSQL"]);

function* checkAddresses({ addresses = [], hosts, ports = [] }: Spec): Findings {
  for (const [index, address] of addresses.entries())
    yield* checkIpOrRange(`spec.addresses[${index}]`, address);
  const hasTcp = ports.some(({ protocol = "" }) => tcpProtocols.has(protocol.toUpperCase()));
  if (hosts.length > 1 && addresses.length > 0 && hasTcp) {
    const message = "with an address and a TCP port the hosts can't be told apart, so only one is of use";
    yield { severity: "warning", path: "spec.hosts", message };
  }
}

function* checkPorts({ ports = [] }: Spec): Findings {
  const numbers = new Set<number>();
  const names = new Set<string>();
  for (const [index, { name, number, protocol = "", targetPort }] of ports.entries()) {
    const path = `spec.ports[${index}]`;
    yield* checkProtocol(`${path}.protocol`, protocol);
    yield* checkPort(`${path}.number`, number);
    if (targetPort !== undefined && targetPort !== 0) yield* checkPort(`${path}.targetPort`, targetPort);
    if (!isDnsLabel(name))
      yield { path: `${path}.name`, message: `"${name}" isn't a port's name, wanted a DNS label` };
    if (names.has(name)) yield { path: `${path}.name`, message: `there are two ports "${name}"` };
    if (numbers.has(number))
      yield { path: `${path}.number`, message: `there are two ports with number ${number}` };
    names.add(name);
    numbers.add(number);
  }
}

/** Istio takes any word, and lets the proxy find out what an unknown one means. */
function* checkProtocol(path: string, protocol: string): Findings {
  if (protocol === "" || parseProtocol(protocol) !== "UnsupportedProtocol") return;
  const message = `unknown protocol "${protocol}", so the proxy looks at each connection to find out; wanted one of ${protocolWords.join(", ")}`;
  const hint = spellingHint(protocol, protocolWords);
  yield { severity: "warning", path, message, ...(hint === undefined ? {} : { hint }) };
}

function* checkSelector({ endpoints = [], resolution = "NONE", workloadSelector }: Spec): Findings {
  if (workloadSelector === undefined) return;
  const path = "spec.workloadSelector";
  for (const [key, value] of Object.entries(workloadSelector.labels ?? {}))
    yield* checkLabel(key, value, `${path}.labels`);
  if (endpoints.length > 0)
    yield { path, message: "workloadSelector and endpoints are both set, only one may be" };
  if (Object.keys(workloadSelector.labels ?? {}).length === 0) {
    yield { severity: "warning", path, message: "the selector has no labels" };
  }
  if (resolution === "NONE") {
    yield {
      severity: "warning",
      path,
      message: "a selector has no effect with resolution NONE, wanted STATIC",
    };
  }
}

function* checkResolution(spec: Spec): Findings {
  const { endpoints = [], hosts, resolution = "NONE" } = spec;
  const path = "spec.endpoints";
  if (resolution === "NONE" && endpoints.length > 0) {
    yield {
      path,
      message: "with resolution NONE the caller's address is used, so there can be no endpoints",
    };
  }
  if (resolution === "DNS_ROUND_ROBIN" && endpoints.length > 1) {
    yield { path, message: `found ${endpoints.length} endpoints, wanted at most 1 with DNS_ROUND_ROBIN` };
  }
  if (resolution === "DNS" || resolution === "DNS_ROUND_ROBIN") {
    const wild = endpoints.length === 0 ? hosts.findIndex((host) => hostnameFault(host) !== undefined) : -1;
    if (wild !== -1) {
      const message = `"${hosts[wild]}" can't be looked up: with resolution ${resolution} hosts without endpoints are full names`;
      yield { path: `spec.hosts[${wild}]`, message };
    }
  }
  if (resolution !== "DYNAMIC_DNS") return;
  if (endpoints.length > 0)
    yield { path, message: "with DYNAMIC_DNS the host is looked up, so there can be no endpoints" };
  const exact = hosts.findIndex((host) => !isWildcard(host));
  if (exact !== -1) yield { path: `spec.hosts[${exact}]`, message: "DYNAMIC_DNS is for wildcard hosts" };
}

function* checkEndpoint(
  path: string,
  endpoint: Endpoint,
  { spec, portNames }: { readonly spec: Spec; readonly portNames: ReadonlySet<string> },
): Findings {
  const { ports = [], resolution = "NONE" } = spec;
  const { address = "", ports: ownPorts = {} } = endpoint;
  for (const [key, value] of Object.entries(endpoint.labels ?? {}))
    yield* checkLabel(key, value, `${path}.labels`);
  if (address.startsWith("unix://")) {
    yield* checkUnixEndpoint(path, endpoint, ports.length);
    return;
  }
  for (const [name, port] of Object.entries(ownPorts)) {
    if (!portNames.has(name))
      yield { path: `${path}.ports`, message: `"${name}" isn't the name of a port in spec.ports` };
    yield* checkPort(`${path}.ports.${name}`, port);
  }
  if (address === "") {
    if ((endpoint.network ?? "") === "")
      yield { code: "MLT1006", path: `${path}.address`, message: "an endpoint needs an address" };
    else
      yield { severity: "warning", path, message: "the address isn't set, so the network's gateway is used" };
    return;
  }
  if (isIpAddress(address)) return;
  if (resolution === "STATIC") {
    yield {
      path: `${path}.address`,
      message: `"${address}" isn't an IP address, as resolution STATIC needs it`,
    };
  } else yield* checkHostname(`${path}.address`, address);
}

function* checkUnixEndpoint(
  path: string,
  { address = "", ports = {} }: Endpoint,
  portCount: number,
): Findings {
  if (!address.startsWith("unix:///")) {
    yield { path: `${path}.address`, message: `"${address}" isn't the full path of a unix socket` };
  }
  if (Object.keys(ports).length > 0) yield { path: `${path}.ports`, message: "a unix socket has no ports" };
  if (portCount !== 1) yield { path: "spec.ports", message: "with a unix socket exactly one port is needed" };
}
