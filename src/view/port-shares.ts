// What the services of a port have to do with its listener on every address. Of HTTP that all clients reach it matters
// only that there is some, so that one more such service changes no listener and asks no client.

import { isHttp } from "../core/protocol.ts";
import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import { isReachedByAll } from "../model/host-owner.ts";
import type { Model } from "../model/model.ts";
import { addressRanges, hasOwnListener, type MeshService } from "../model/service.ts";
import type { ImportedInput } from "./import-sets.ts";
import { layerKey, splitLayerKey } from "./layer-id.ts";

export interface PortShares {
  /** Some service that all clients reach speaks HTTP here; one of them gRPC-Web. */
  readonly hasHttp: boolean;
  readonly hasGrpcWeb: boolean;
  /** All others that may have a part in the listener of some client. */
  readonly varying: readonly MeshService[];
}

type Share =
  | { readonly kind: "http" | "grpc-web"; readonly port: string }
  | { readonly kind: "varying"; readonly port: string; readonly service: MeshService };

/** By the numbers of all ports that some service has. */
export function declarePortShares(graph: Graph, model: Model): Table<PortShares> {
  const shares = graph.derive<MeshService, Share>({
    name: "services' shares in the listeners of ports",
    from: model.services,
    *rows(key, service, read) {
      const isSteady = isReachedByAll(service, { read, claims: model.hostClaims });
      // Its addresses tell its traffic from that of others.
      const isElsewhere = hasOwnListener(service) && addressRanges(service).length === 0;
      for (const port of new Set(service.ports.map(({ number }) => String(number)))) {
        const protocol = service.ports.find(({ number }) => String(number) === port)?.protocol ?? "TCP";
        const row = `${key} ${port}`;
        if (isHttp(protocol) && isSteady)
          yield [row, { kind: protocol === "GRPC-Web" ? "grpc-web" : "http", port }];
        else if (isHttp(protocol) || !isElsewhere) yield [row, { kind: "varying", port, service }];
      }
    },
  });
  const steady = graph.keys(
    "ports with HTTP for all clients",
    graph.index(shares, "HTTP for all clients by port", ({ kind, port }) => {
      if (kind === "varying") return [];
      return kind === "grpc-web" ? [`http ${port}`, `grpc-web ${port}`] : [`http ${port}`];
    }),
  );
  const varying = graph.index(shares, "services that clients see differently by port", ({ kind, port }) =>
    kind === "varying" ? [port] : [],
  );
  return graph.derive<true, PortShares>({
    name: "shares in the listeners of ports",
    from: graph.keys(
      "ports of services",
      graph.index(shares, "services' shares by port", ({ port }) => [port]),
    ),
    rows: (port, _there, read) => [
      [
        port,
        {
          hasHttp: read.get(steady, `http ${port}`) !== undefined,
          hasGrpcWeb: read.get(steady, `grpc-web ${port}`) !== undefined,
          varying: read
            .find(varying, port)
            .flatMap(([, share]) => (share.kind === "varying" ? [share.service] : [])),
        },
      ],
    ],
  });
}

/** Of the services that scopes with imports call, by scope and port. */
export function declareImportedShares(
  graph: Graph,
  services: Table<ImportedInput<MeshService>>,
): Table<ImportedInput<PortShares>> {
  const groups = graph.group(
    "imported services of ports",
    graph.index(
      services,
      "imported services by scope and port",
      ({ layer, input }) => new Set(input.ports.map(({ number }) => layerKey(layer, String(number)))),
    ),
  );
  return graph.derive<readonly Row<ImportedInput<MeshService>>[], ImportedInput<PortShares>>({
    name: "imported services' shares in the listeners of ports",
    from: groups,
    rows: (at, members) => {
      const varying = members.map(([, { input }]) => input);
      const { layer, name: key } = splitLayerKey(at);
      return [[at, { layer, key, input: { hasHttp: false, hasGrpcWeb: false, varying } }]];
    },
  });
}
