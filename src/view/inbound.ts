// A workload's own side: the ports that services give it, with the mTLS mode of each. Proxies whose inbound side is
// the same share one row: replicas of a Deployment do.

import type { ObjectKey } from "../core/object-key.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { HttpRetry } from "../kinds/virtual-service/http-route.ts";
import { closingPoliciesOf } from "../model/closing-policies.ts";
import type { Model } from "../model/model.ts";
import { modeOfPort, mutualTlsOf, type WorkloadMutualTls } from "../model/mutual-tls-modes.ts";
import type { MeshService, MeshServicePort } from "../model/service.ts";
import { portsOfWorkload, type WorkloadPlace } from "../model/workload-ports.ts";
import type { InboundClusterInputs } from "./cluster-inputs.ts";
import { statNameOf } from "./cluster-stat-name.ts";
import { connectionGenerations } from "./connection-generation.ts";
import type { InboundListenerInputs, InboundPort } from "./listener-inputs.ts";
import { listenerSettings } from "./outbound-listeners.ts";
import { type OwnSide, type OwnSides, viewsOfProxies } from "./own-sides.ts";
import type { Provenance } from "./provenance.ts";
import { contentId } from "./shared-rows.ts";
import { telemetryOf } from "./workload-telemetry.ts";

export interface InboundView {
  /** Proxies with the same id have the same inbound side. */
  readonly id: string;
  readonly listener: InboundListenerInputs;
  readonly clusters: readonly InboundClusterInputs[];
  /** Of requests that were reset before they reached the application. */
  readonly retries: HttpRetry;
  /** All that the listener follows from, also what decides nothing now. */
  readonly provenance: Provenance;
}

/** Rows by the proxy's key, for sidecars only. */
export function declareInboundViews(graph: Graph, model: Model, sides: OwnSides): Table<InboundView> {
  const views = graph.derive<OwnSide, InboundView>({
    name: "inbound views of own sides",
    from: sides.table,
    rows: (key, side, read) => (side.kind === "sidecar" ? [[key, inboundView(side, model, read)]] : []),
  });
  return viewsOfProxies(graph, { name: "inbound views of proxies", sides, views });
}

function inboundView(side: OwnSide, model: Model, read: Read): InboundView {
  const { namespace, workloadLabels: labels, families, asksSeveralProviders } = side;
  const mutualTls = mutualTlsOf(read, model.peerAuthentications, { namespace, labels });
  const settings = read.one(model.settings);
  const telemetry = telemetryOf(read, model, { namespace, labels });
  const ports = portsOf({ ...side, labels }, model, read);
  const known = new Set([...ports.map(({ number }) => number), ...settings.reservedPorts.capture]);
  const others = otherPorts(mutualTls, known);
  const generations = connectionGenerations(
    closingPoliciesOf(read, model.closingPolicies, { namespace, labels }),
    new Set([...known, ...others.map(({ port }) => port)]),
  );
  const listener: InboundListenerInputs = {
    ports: ports.map(({ number, port: { protocol } }) => ({
      port: number,
      protocol,
      mode: modeOfPort(mutualTls, number),
      ...inGeneration(generations.ofPort(number)),
    })),
    otherPortsMode: mutualTls.mode,
    ...(generations.ofOtherPorts && { otherPortsGeneration: generations.ofOtherPorts }),
    otherPorts: others.map((each) => ({ ...each, ...inGeneration(generations.ofPort(each.port)) })),
    families,
    settings: {
      ...listenerSettings(settings, telemetry.server),
      ...(asksSeveralProviders && { asksSeveralProviders }),
    },
  };
  const clusters = ports.map(
    ({ number, port, services }): InboundClusterInputs => ({
      port: number,
      ...(services[0] &&
        statNameOf(settings.clusterStatNames.inbound, { service: services[0], port, targetPort: number })),
      protocol: port.protocol,
      services: services.map(({ hostname, name, namespace }) => ({ hostname, name, namespace })),
      families,
      connectTimeout: settings.connectTimeout,
      provenance: services.map(({ object }) => ({ object })),
    }),
  );
  const objects = new Set([
    ...ports.flatMap((port) => port.services.map(objectOf)),
    ...mutualTls.policies,
    ...telemetry.provenance.map(({ object }) => object),
  ]);
  const view = {
    listener,
    clusters,
    retries: settings.inboundRetries,
    provenance: [...objects].map((object) => ({ object })),
  };
  return { id: contentId(view), ...view };
}

function inGeneration(generation: string | undefined): Pick<InboundPort, "generation"> {
  return generation === undefined ? {} : { generation };
}

function objectOf({ object }: MeshService): ObjectKey {
  return object;
}

/** A policy speaks of the workload's ports, whether or not a service names them. */
function otherPorts({ mode, modeByPort }: WorkloadMutualTls, known: ReadonlySet<number>) {
  return Object.entries(modeByPort)
    .map(([port, ofPort]) => ({ port: Number(port), mode: ofPort }))
    .filter((each) => !known.has(each.port) && each.mode !== mode)
    .sort((a, b) => a.port - b.port);
}

interface OwnPort {
  /** The application's. */
  readonly number: number;
  readonly port: MeshServicePort;
  /** Oldest first: its protocol holds. */
  readonly services: readonly MeshService[];
}

function portsOf(workload: WorkloadPlace, model: Model, read: Read): readonly OwnPort[] {
  const { capture: captured } = read.one(model.settings).reservedPorts;
  const byNumber = new Map<number, { port: MeshServicePort; services: MeshService[] }>();
  for (const { number, port, service } of portsOfWorkload(workload, { model, read })) {
    // A chain for the port that takes captured traffic would match what that listener's own chain does, or loop.
    if (captured.includes(number)) continue;
    const found = byNumber.get(number);
    if (found === undefined) byNumber.set(number, { port, services: [service] });
    else if (!found.services.includes(service)) found.services.push(service);
  }
  return [...byNumber].sort(([a], [b]) => a - b).map(([number, found]) => ({ number, ...found }));
}
