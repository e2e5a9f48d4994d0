// `ISTIO_META_DNS_CAPTURE` in a pod: the agent answers its DNS, from the name table that the control plane streams to it.
// Loaded only where it is asked for: a proxy's agent must stay small.

import { readFile } from "node:fs/promises";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { GrpcClient, type GrpcTarget } from "../../grpc/client.ts";
import type { Agent } from "../agent.ts";
import type { ProxyNode } from "../bootstrap/proxy-node.ts";
import { startAgentDns } from "../dns/agent-dns.ts";
import { parseResolverSettings } from "../dns/resolver-settings.ts";
import { startNameTableClient } from "../name-table-client.ts";
import type { ControlPlaneHost } from "../pod/proxy-arguments.ts";

export interface PodDnsOptions {
  readonly agent: Agent;
  readonly node: ProxyNode;
  readonly controlPlane: ControlPlaneHost;
  readonly resolverPath: string;
  readonly hasIpv6: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

const DNS_PORT = 15053;

/** Returns what ends it. */
export async function startPodDns(options: PodDnsOptions): Promise<() => Promise<void>> {
  const { agent, resolverPath, hasIpv6, clock, log } = options;
  const resolver = parseResolverSettings(await readFile(resolverPath, "utf8"));
  const addresses = hasIpv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
  const dns = await startAgentDns({ addresses, port: DNS_PORT, resolver, clock, log });
  let client: ReturnType<typeof startNameTableClient> | undefined;
  // The stream shows the pod's certificate, so it can't open before there is one.
  const stopWatching = agent.certificate.watch(() => {
    client ??= startNameTableClient(new GrpcClient(targetOf(options), { clock }), {
      ...options,
      onTable: dns.setTable,
    });
  });
  return async () => {
    stopWatching();
    client?.close();
    await dns.close();
  };
}

function targetOf({ agent, controlPlane }: PodDnsOptions): () => GrpcTarget {
  const { host, port, serverName } = controlPlane;
  return () => {
    const { current } = agent.certificate;
    if (serverName === undefined || current === undefined) return { kind: "tcp", host, port };
    const identity = { certificate: current.chainPem, key: current.keyPem.reveal() };
    return { kind: "tcp", host, port, tls: { ...identity, serverRoots: current.rootsPem, serverName } };
  };
}
