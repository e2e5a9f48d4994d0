// One section of `meltemi proxy-config`: which of Envoy's admin pages it reads, what of it is chosen, and its table.

import type { CommandInput } from "../command.ts";
import { textOption } from "../command.ts";
import { CommandFailure, exitCodes } from "../exit-code.ts";
import { clusterTable, filterClusters } from "./cluster-table.ts";
import type { ConfigDump } from "./config-dump.ts";
import { bootstrapOf, clustersOf, listenersOf, routesOf, secretsOf } from "./config-dump.ts";
import type { ClusterStatuses } from "./endpoint-table.ts";
import { endpointsOf, endpointTable, filterEndpoints } from "./endpoint-table.ts";
import { filterListeners, listenerTable } from "./listener-table.ts";
import { filterRoutes, routeTable } from "./route-table.ts";
import { secretTable } from "./secret-table.ts";

export type SectionName = "cluster" | "listener" | "route" | "endpoint" | "secret" | "bootstrap";

/** The chosen part of the page, for -o, and its table; a section without a table is always printed whole. */
export interface Section {
  readonly value: unknown;
  readonly table: string | undefined;
}

/** Paths of Envoy's admin. */
export const sectionPages: Readonly<Record<SectionName, string>> = {
  cluster: "/config_dump",
  listener: "/config_dump",
  route: "/config_dump",
  endpoint: "/clusters?format=json",
  secret: "/config_dump",
  bootstrap: "/config_dump",
};

export function readSection(name: SectionName, page: unknown, input: CommandInput): Section {
  const dump = page as ConfigDump;
  switch (name) {
    case "cluster": {
      const fields = { fqdn: textOption(input, "fqdn"), subset: textOption(input, "subset") };
      const clusters = filterClusters(clustersOf(dump), {
        ...fields,
        port: portOption(input),
        direction: directionOption(input),
      });
      return { value: clusters, table: clusterTable(clusters) };
    }
    case "listener": {
      const fields = { address: textOption(input, "address"), name: textOption(input, "name") };
      const listeners = filterListeners(listenersOf(dump), { ...fields, port: portOption(input) });
      return { value: listeners, table: listenerTable(listeners) };
    }
    case "route": {
      const routes = filterRoutes(routesOf(dump), { name: textOption(input, "name") });
      return { value: routes, table: routeTable(routes) };
    }
    case "endpoint": {
      const fields = { address: textOption(input, "address"), cluster: textOption(input, "cluster") };
      const filter = { ...fields, port: portOption(input), status: textOption(input, "status") };
      const endpoints = filterEndpoints(endpointsOf(page as ClusterStatuses), filter);
      return { value: endpoints, table: endpointTable(endpoints) };
    }
    case "secret": {
      const secrets = secretsOf(dump);
      return { value: secrets.map(({ secret }) => secret), table: secretTable(secrets, Date.now()) };
    }
    case "bootstrap":
      return { value: bootstrapOf(dump), table: undefined };
  }
}

function portOption(input: CommandInput): number | undefined {
  const text = textOption(input, "port");
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new CommandFailure(exitCodes.usage, `Cannot look for port "${text}": --port takes a number`);
}

function directionOption(input: CommandInput): string | undefined {
  const text = textOption(input, "direction")?.toLowerCase();
  if (text === undefined || text === "inbound" || text === "outbound") return text;
  throw new CommandFailure(
    exitCodes.usage,
    `Cannot look for direction "${text}": wanted inbound or outbound`,
  );
}
