// Which proxies' policies ask several providers about connections that aren't HTTP: their listeners have other slots.

import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { AuthorizationInputs } from "./authorization-inputs.ts";
import type { PolicyRow, PolicySet, PolicySets } from "./policy-sets.ts";

/** Rows by the proxy's key. */
export function declareSeveralProviders(
  graph: Graph,
  { ofProxy, table }: PolicySets<AuthorizationInputs>,
): Table<true> {
  const ofSets = graph.derive<PolicyRow<AuthorizationInputs>, true>({
    name: "authorization that asks several providers",
    from: table,
    rows: (id, { inputs }) => (connectionProviderCount(inputs) > 1 ? [[id, true]] : []),
  });
  return graph.derive<PolicySet, true>({
    name: "proxies that ask several providers",
    from: ofProxy,
    rows: (key, { id }, read) => (read.get(ofSets, id) === undefined ? [] : [[key, true]]),
  });
}

/** At least as many as are asked: one may be there that can't be. */
function connectionProviderCount({ policies, providers }: AuthorizationInputs): number {
  const asked = policies.flatMap(({ action, isDryRun, provider }) =>
    action === "CUSTOM" && !isDryRun && providers[provider]?.kind === "grpc" ? [provider] : [],
  );
  return new Set(asked).size;
}
