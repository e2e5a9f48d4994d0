// Which ports of which gateways the machine shall reach, and where: 80 → 8080, 443 → 8443, others themselves,
// or what the annotation local.meltemi.dev/host-port says. Pure; listens on nothing.

import { objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";
import type { Service, ServicePort } from "../../kinds/service.ts";
import type { GatewayPortWish } from "./front-protocol.ts";
import { gatewayListener } from "./front-protocol.ts";

export const HOST_PORT_ANNOTATION = "local.meltemi.dev/host-port";

// Istio's gateway Services carry their health port too, which is nobody's to call from the machine.
const HEALTH_PORT = 15021;

export interface GatewayPorts {
  readonly wishes: readonly GatewayPortWish[];
  readonly problems: readonly Problem[];
}

/** Services of type LoadBalancer or with the annotation; two that want one port: the first by name has it. */
export function planGatewayPorts(services: readonly Service[]): GatewayPorts {
  const wishes: GatewayPortWish[] = [];
  const problems: Problem[] = [];
  const ownersByHostPort = new Map<number, string>();
  const sorted = services.toSorted((one, other) => nameOf(one).localeCompare(nameOf(other)));
  for (const service of sorted) {
    const annotation = service.metadata.annotations?.[HOST_PORT_ANNOTATION];
    if (service.spec?.type !== "LoadBalancer" && annotation === undefined) continue;
    const asked = parseHostPorts(annotation, service);
    if (asked === undefined) problems.push(unreadableAnnotation(service, annotation ?? ""));
    for (const port of service.spec?.ports ?? []) {
      if (port.port === HEALTH_PORT || (port.protocol ?? "TCP") !== "TCP") continue;
      const wish = wishFor(service, port, asked);
      const owner = ownersByHostPort.get(wish.hostPort);
      if (owner !== undefined && wish.isExact) problems.push(takenPort(service, wish.hostPort, owner));
      // Port 0 has the front take any that is free.
      wishes.push(owner === undefined ? wish : { ...wish, hostPort: 0, isExact: false });
      ownersByHostPort.set(wish.hostPort, owner ?? nameOf(service));
    }
  }
  return { wishes, problems };
}

function wishFor(
  { metadata }: Service,
  port: ServicePort,
  asked: ReadonlyMap<number, number> | undefined,
): GatewayPortWish {
  const at = { namespace: metadata.namespace, service: metadata.name, port: port.port };
  const hostPort = asked?.get(port.port);
  return {
    listener: gatewayListener(at),
    ...at,
    protocol: protocolOf(port),
    hostPort: hostPort ?? DEFAULT_HOST_PORTS.get(port.port) ?? port.port,
    isExact: hostPort !== undefined,
  };
}

const DEFAULT_HOST_PORTS: ReadonlyMap<number, number> = new Map([
  [80, 8080],
  [443, 8443],
]);

function protocolOf({ port, name = "", appProtocol = name }: ServicePort): GatewayPortWish["protocol"] {
  if (port === 443 || /^(https|tls)(-|$)/.test(appProtocol)) return "https";
  return port === 80 || /^(http|http2|grpc)(-|$)/.test(appProtocol) ? "http" : "tcp";
}

/** `9080` for the first port, or `80:9080,443:9443`. Undefined where it is neither. */
function parseHostPorts(
  annotation: string | undefined,
  service: Service,
): ReadonlyMap<number, number> | undefined {
  const hostPorts = new Map<number, number>();
  if (annotation === undefined) return hostPorts;
  const [first] = (service.spec?.ports ?? []).filter(({ port }) => port !== HEALTH_PORT);
  for (const part of annotation.split(",")) {
    const match = /^\s*(?:(\d+):)?(\d+)\s*$/.exec(part);
    const hostPort = Number(match?.[2]);
    const port = match?.[1] === undefined ? first?.port : Number(match[1]);
    if (match === null || port === undefined || hostPort < 1 || hostPort > 65_535) return undefined;
    hostPorts.set(port, hostPort);
  }
  return hostPorts;
}

function nameOf({ metadata }: Service): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function unreadableAnnotation(service: Service, text: string): Problem {
  return problem("MLT3112", {
    object: keyOf(service),
    path: `metadata.annotations['${HOST_PORT_ANNOTATION}']`,
    message: `Cannot read host port "${text}": wanted a port such as "9080", or pairs such as "80:9080,443:9443"`,
  });
}

function takenPort(service: Service, hostPort: number, owner: string): Problem {
  return problem("MLT3112", {
    object: keyOf(service),
    path: `metadata.annotations['${HOST_PORT_ANNOTATION}']`,
    message: `Cannot use host port ${hostPort}: Service ${owner} has it; a free one is taken`,
  });
}

function keyOf({ metadata }: Service) {
  return objectKey({ kind: "Service", namespace: metadata.namespace, name: metadata.name });
}
