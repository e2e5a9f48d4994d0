// What one Service that comes costs the views and tables of a mesh, with clients of many scopes connected: CPU of the
// commits alone, without streams. Prints JSON. Run: npm run bench -- views [--services N] [--scopes N] [--rounds N]

import { parseArgs } from "node:util";
import { declareResourceTables } from "../../src/fleet/resource-tables.ts";
import { Graph } from "../../src/graph/graph.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { declareModel } from "../../src/model/model.ts";
import { declareSources, deleteObject, writeObject } from "../../src/model/sources.ts";
import type { ConnectedProxy } from "../../src/view/client-scope.ts";
import { declareViews } from "../../src/view/views.ts";
import { meshObjects } from "../xds/mesh-objects.ts";

const { values } = parseArgs({
  options: {
    services: { type: "string", default: "1000" },
    scopes: { type: "string", default: "200" },
    rounds: { type: "string", default: "40" },
  },
});
const [serviceCount, scopeCount, roundCount] = [values.services, values.scopes, values.rounds].map(Number);
if (serviceCount === undefined || scopeCount === undefined || roundCount === undefined)
  throw new Error("unreachable");

const graph = new Graph();
const sources = declareSources(graph);
const model = declareModel(graph, sources);
const proxies = graph.source<ConnectedProxy>("connected proxies");
const views = declareViews(graph, model, proxies);
declareResourceTables(graph, views);
const size = { serviceCount, endpointCount: 2, proxyCount: scopeCount, namespaceCount: scopeCount };
commit((put) => meshObjects(size).forEach(put));
const connectMs = cpuMsOf(() =>
  graph.commit((transaction) => {
    for (let index = 0; index < scopeCount; index += 1)
      transaction.set(proxies, `team-${index}/client`, client(`team-${index}`));
  }),
);

const rounds = Array.from({ length: roundCount }, (_, round) => {
  const added = newService(`added-${round}`, `team-${round % scopeCount}`, round);
  const come = cpuMsOf(() => commit((put) => put(added)));
  const go = cpuMsOf(() =>
    graph.commit((transaction) => {
      deleteObject(transaction, sources, {
        kind: "Service",
        namespace: `team-${round % scopeCount}`,
        name: `added-${round}`,
      });
    }),
  );
  return { come, go };
});
const report = {
  serviceCount,
  scopeCount,
  connectMsPerScope: connectMs / scopeCount,
  // Before anything is optimized for it.
  firstNewServiceMs: rounds[0]?.come,
  newServiceMs: median(rounds.map(({ come }) => come)),
  goneServiceMs: median(rounds.map(({ go }) => go)),
};
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);

function commit(write: (put: (object: KubernetesObject) => void) => void): void {
  const { errors } = graph.commit((transaction) =>
    write((object) => writeObject(transaction, sources, object)),
  );
  if (errors.length > 0) throw new Error(`Cannot commit: ${JSON.stringify(errors.slice(0, 3))}`);
}

function cpuMsOf(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function client(namespace: string): ConnectedProxy {
  const domain = `${namespace}.svc.cluster.local`;
  const pod = { key: `${namespace}/client`, uid: "", serviceAccount: "default" };
  return {
    kind: "sidecar",
    name: "client",
    namespace,
    labels: {},
    addresses: ["10.9.0.1"],
    domain,
    locality: "",
    pod,
  };
}

function newService(name: string, namespace: string, index: number): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace, creationTimestamp: "2026-02-01T00:00:00Z" },
    spec: {
      clusterIP: `10.200.0.${index + 1}`,
      selector: { app: name },
      ports: [{ name: "http", port: 80, targetPort: 8000, protocol: "TCP" }],
    },
  } as KubernetesObject;
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}
