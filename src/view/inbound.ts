// A workload's own side: the ports that services give it, with the mTLS mode of each. Proxies whose inbound side is
// the same share one row: replicas of a Deployment do.

import { createHash } from "node:crypto";
import { inboundClusterName } from "../core/cluster-name.ts";
import { ipFamiliesOf } from "../core/ip-families.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { isSelected } from "../model/endpoints.ts";
import type { Model } from "../model/model.ts";
import { modeOfPort, mutualTlsOf, type WorkloadMutualTls } from "../model/mutual-tls-modes.ts";
import { byAge, type MeshService, type MeshServicePort } from "../model/service.ts";
import { rowKey } from "../model/sources.ts";
import type { Workload } from "../model/workloads.ts";
import type { ConnectedProxy } from "./client-scope.ts";
import type { InboundClusterInputs } from "./cluster-inputs.ts";
import type { InboundListenerInputs, InboundPort } from "./listener-inputs.ts";
import { listenerSettings } from "./outbound-listeners.ts";

export interface InboundView {
  /** Proxies with the same id have the same inbound side. */
  readonly id: string;
  readonly listener: InboundListenerInputs;
  readonly clusters: readonly InboundClusterInputs[];
}

/** Rows by the proxy's key, for sidecars only. */
export function declareInboundViews(
  graph: Graph,
  model: Model,
  proxies: Table<ConnectedProxy>,
): Table<InboundView> {
  return graph.derive<ConnectedProxy, InboundView>({
    name: "inbound views of proxies",
    from: proxies,
    rows: (key, proxy, read) => (proxy.kind === "sidecar" ? [[key, inboundView(proxy, model, read)]] : []),
  });
}

function inboundView(proxy: ConnectedProxy, model: Model, read: Read): InboundView {
  const workload = read.get(model.workloads.table, rowKey(proxy.namespace, proxy.name));
  const labels = workload?.labels ?? proxy.labels;
  const mutualTls = mutualTlsOf(read, model.modes, { namespace: proxy.namespace, labels });
  const settings = read.one(model.settings);
  const families = ipFamiliesOf(proxy.addresses);
  const ports = portsOf({ namespace: proxy.namespace, labels, workload, model, read });
  const listener: InboundListenerInputs = {
    ports: ports.map((port) => inboundPort(port, mutualTls)),
    otherPortsMode: mutualTls.mode,
    families,
    settings: listenerSettings(settings),
  };
  const clusters = ports.map(
    ({ number, port, services }): InboundClusterInputs => ({
      port: number,
      protocol: port.protocol,
      services: services.map(({ hostname, name, namespace }) => ({ hostname, name, namespace })),
      families,
      connectTimeout: settings.connectTimeout,
      source: services.map(({ object }) => ({ object })),
    }),
  );
  return { id: idOf(listener, clusters), listener, clusters };
}

function idOf(listener: InboundListenerInputs, clusters: readonly InboundClusterInputs[]): string {
  return createHash("sha256")
    .update(JSON.stringify([listener, clusters]))
    .digest("base64url")
    .slice(0, 22);
}

interface WorkloadPort {
  /** The application's. */
  readonly number: number;
  readonly port: MeshServicePort;
  /** Oldest first: its protocol holds. */
  readonly services: readonly MeshService[];
}

interface PortQuestion {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly workload: Workload | undefined;
  readonly model: Model;
  readonly read: Read;
}

function portsOf({ namespace, labels, workload, model, read }: PortQuestion): readonly WorkloadPort[] {
  const services = read
    .find(model.servicesByNamespace, namespace)
    .map(([, service]) => service)
    .filter(
      ({ selector }) =>
        selector !== undefined && Object.keys(selector).length > 0 && isSelected(selector, labels),
    )
    .sort(byAge);
  const { capture: captured } = read.one(model.settings).reservedPorts;
  const byNumber = new Map<number, { port: MeshServicePort; services: MeshService[] }>();
  for (const service of services) {
    for (const port of service.ports) {
      const number = port.targetPort ?? workload?.portNumbers[port.targetPortName ?? ""];
      // A chain for the port that takes captured traffic would match what that listener's own chain does, or loop.
      if (number === undefined || captured.includes(number)) continue;
      const found = byNumber.get(number);
      if (found === undefined) byNumber.set(number, { port, services: [service] });
      else if (!found.services.includes(service)) found.services.push(service);
    }
  }
  return [...byNumber].sort(([a], [b]) => a - b).map(([number, found]) => ({ number, ...found }));
}

function inboundPort({ number, port, services }: WorkloadPort, mutualTls: WorkloadMutualTls): InboundPort {
  const [first] = services;
  const hostname = first?.hostname ?? "";
  const source = [...services, ...mutualTls.policies.map((object) => ({ object }))].map(({ object }) => ({
    object,
  }));
  return {
    port: number,
    protocol: port.protocol,
    mode: modeOfPort(mutualTls, number),
    hostname,
    route: {
      name: "default",
      destinations: [{ cluster: inboundClusterName(number), weight: 1, isSniffed: false }],
      mirrors: [],
      operation: `${hostname}:${port.number}/*`,
      // The client's sidecar retries; a second retry here would multiply its attempts.
      defaultRetries: { attempts: 0 },
      source: services.map(({ object }) => ({ object })),
    },
    source,
  };
}
