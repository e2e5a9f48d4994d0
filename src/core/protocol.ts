// The protocol of a port: parsed from the words of Istio's API and Kubernetes' Services, and its classes.

export type Protocol =
  | "TCP"
  | "UDP"
  | "GRPC"
  | "GRPC-Web"
  | "HTTP"
  | "HTTP_PROXY"
  | "HTTP2"
  | "HTTPS"
  | "TLS"
  | "Mongo"
  | "Redis"
  | "MySQL"
  | "HBONE"
  // Istio's word for "not said": the proxy sniffs it.
  | "UnsupportedProtocol";

const PROTOCOL_BY_WORD: Readonly<Record<string, Protocol>> = {
  tcp: "TCP",
  udp: "UDP",
  grpc: "GRPC",
  "grpc-web": "GRPC-Web",
  http: "HTTP",
  http_proxy: "HTTP_PROXY",
  http2: "HTTP2",
  https: "HTTPS",
  tls: "TLS",
  mongo: "Mongo",
  redis: "Redis",
  mysql: "MySQL",
  hbone: "HBONE",
};

// Standard values of appProtocol (KEP-3726). kubernetes.io/wss is WebSocket over TLS.
const PROTOCOL_BY_KUBERNETES_WORD: Readonly<Record<string, Protocol>> = {
  "kubernetes.io/h2c": "HTTP2",
  "kubernetes.io/ws": "HTTP",
  "kubernetes.io/wss": "HTTPS",
};

// Ports of protocols in which the server speaks first, or which sniffing would delay: SMTP, DNS, MySQL, MongoDB.
const OPAQUE_WELL_KNOWN_PORTS: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

const HTTP2_PROTOCOLS: ReadonlySet<Protocol> = new Set(["HTTP2", "GRPC", "GRPC-Web"]);
const TCP_PROTOCOLS: ReadonlySet<Protocol> = new Set([
  "TCP",
  "HTTPS",
  "TLS",
  "Mongo",
  "Redis",
  "MySQL",
  "HBONE",
]);

/** Case does not matter; an unknown word is `UnsupportedProtocol`. */
export function parseProtocol(word: string): Protocol {
  return PROTOCOL_BY_WORD[word.toLowerCase()] ?? "UnsupportedProtocol";
}

/** The words that `parseProtocol` knows, in the capitals that Istio's documentation writes them in. */
export const protocolWords: readonly string[] = Object.keys(PROTOCOL_BY_WORD).map((word) =>
  word.toUpperCase(),
);

export interface ServicePortFacts {
  readonly name?: string | undefined;
  readonly appProtocol?: string | undefined;
  readonly port: number;
  /** Kubernetes' `protocol`; absent means TCP. */
  readonly transport?: string | undefined;
}

/**
 * The protocol of a Kubernetes Service's port: UDP by transport, else by appProtocol where it is set (even to
 * nothing), else by the port name's prefix before a dash; last by well-known number.
 */
export function protocolOfServicePort({
  name = "",
  appProtocol,
  port,
  transport,
}: ServicePortFacts): Protocol {
  if (transport === "UDP") return "UDP";
  const words = (appProtocol ?? name).toLowerCase();
  const parsed = PROTOCOL_BY_KUBERNETES_WORD[words] ?? parseProtocol(prefixOf(words));
  // HBONE is a protocol between proxies: no application's port speaks it.
  if (parsed !== "UnsupportedProtocol" && parsed !== "HBONE") return parsed;
  return OPAQUE_WELL_KNOWN_PORTS.has(port) ? "TCP" : "UnsupportedProtocol";
}

function prefixOf(words: string): string {
  if (words === "grpc-web" || words.startsWith("grpc-web-")) return "grpc-web";
  const dash = words.indexOf("-");
  return dash < 0 ? words : words.slice(0, dash);
}

export function isHttp(protocol: Protocol): boolean {
  return protocol === "HTTP" || protocol === "HTTP_PROXY" || isHttp2(protocol);
}

export function isHttp2(protocol: Protocol): boolean {
  return HTTP2_PROTOCOLS.has(protocol);
}

export function isGrpc(protocol: Protocol): boolean {
  return protocol === "GRPC" || protocol === "GRPC-Web";
}

export function isTcp(protocol: Protocol): boolean {
  return TCP_PROTOCOLS.has(protocol);
}

export function isTls(protocol: Protocol): boolean {
  return protocol === "HTTPS" || protocol === "TLS";
}

export function isSniffed(protocol: Protocol): boolean {
  return protocol === "UnsupportedProtocol";
}
