// The ports that every proxy of the mesh opens before it has any config, by Istio's numbers.

export interface ProxyPorts {
  /** On loopback. */
  readonly admin: number;
  /** Merged metrics and probes. */
  readonly agent: number;
  readonly health: number;
  readonly envoyStats: number;
}

export const ISTIO_PROXY_PORTS: ProxyPorts = { admin: 15000, agent: 15020, health: 15021, envoyStats: 15090 };
