// What a Gateway's schema can't say: hosts with namespaces, protocols, and TLS that belongs to them.

import { isIpAddress } from "../../core/cidr.ts";
import { isWildcard } from "../../core/hostname.ts";
import { checkLabel, isDnsLabel } from "../object-name.ts";
import type { TypeOf } from "../schema.ts";
import type { Findings } from "../value-rules.ts";
import { checkIpAddress, checkPort, checkWildcardHostname } from "../value-rules.ts";
import type { gatewaySpec } from "./gateway-spec.ts";
import type { GatewayPort, Server } from "./server.ts";
import { checkServerTls } from "./server-tls-rules.ts";

interface GatewayLike {
  readonly spec: TypeOf<typeof gatewaySpec>;
}

export function* gatewayRules({ spec }: GatewayLike): Findings {
  const { servers = [], selector = {} } = spec;
  if (servers.length === 0) {
    yield { code: "MLT1006", path: "spec.servers", message: "a Gateway needs at least one server" };
  }
  for (const [key, value] of Object.entries(selector)) yield* checkLabel(key, value, "spec.selector");
  const names = new Set<string>();
  for (const [index, server] of servers.entries()) {
    const path = `spec.servers[${index}]`;
    const { name } = server.port;
    if (names.has(name)) yield { path: `${path}.port.name`, message: `there are two ports "${name}"` };
    names.add(name);
    yield* checkServer(path, server);
  }
}

const protocols = ["HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS", "TLS", "TCP", "MONGO", "MYSQL", "REDIS"];
const tlsProtocols: ReadonlySet<string> = new Set(["HTTPS", "TLS"]);

function* checkServer(path: string, { bind = "", hosts, port, tls }: Server): Findings {
  if (hosts.length === 0)
    yield { code: "MLT1006", path: `${path}.hosts`, message: "a server needs at least one host" };
  for (const [index, host] of hosts.entries()) yield* checkServerHost(`${path}.hosts[${index}]`, host);
  yield* checkServerPort(`${path}.port`, port, bind);
  const isUnixSocket = bind.startsWith("unix://");
  if (bind !== "" && !isUnixSocket) yield* checkIpAddress(`${path}.bind`, bind);
  const isTls = tlsProtocols.has(port.protocol.toUpperCase());
  if (isTls && tls === undefined) {
    yield { code: "MLT1006", path: `${path}.tls`, message: `protocol ${port.protocol} needs tls` };
  }
  const protocol = port.protocol.toUpperCase();
  const isPlain = ["HTTP", "HTTP2", "GRPC", "GRPC-WEB"].includes(protocol);
  if (isPlain && tls !== undefined && (tls.mode !== undefined || tls.httpsRedirect !== true)) {
    const hint = "httpsRedirect: true is all that a plain HTTP port can have";
    yield { path: `${path}.tls`, message: `tls has no place on a port with protocol ${port.protocol}`, hint };
  }
  if (tls !== undefined) yield* checkServerTls(`${path}.tls`, tls, isPlain);
}

function* checkServerHost(path: string, host: string): Findings {
  const slash = host.indexOf("/");
  const namespace = slash === -1 ? undefined : host.slice(0, slash);
  const name = host.slice(slash + 1);
  if (namespace !== undefined && namespace !== "*" && namespace !== "." && !isDnsLabel(namespace)) {
    yield { path, message: `"${namespace}" isn't a namespace, wanted a name, "." or "*" before the slash` };
  }
  if (isIpAddress(name)) return;
  yield* checkWildcardHostname(path, name);
  if (!isWildcard(name) && !name.includes(".")) {
    yield { path, message: `"${name}" is a short name, wanted a full one such as "${name}.example.com"` };
  }
}

function* checkServerPort(path: string, { name, number, protocol }: GatewayPort, bind: string): Findings {
  if (bind.startsWith("unix://")) {
    if (number !== 0) yield { path: `${path}.number`, message: "a unix socket has no port, wanted 0" };
  } else yield* checkPort(`${path}.number`, number);
  if (!protocols.includes(protocol.toUpperCase())) {
    yield { path: `${path}.protocol`, message: `found "${protocol}", wanted one of ${protocols.join(", ")}` };
  }
  if (name === "") yield { code: "MLT1006", path: `${path}.name`, message: "a port needs a name" };
}
