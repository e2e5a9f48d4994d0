// Public reports of wrong routes and wrong modes, each on a small mesh: what the proxy in question is served is walked as
// Envoy would, and the call must go where the report says that it should.

import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf } from "../simulated-proxy.ts";
import { type Call, walkCall } from "../walk-call.ts";
import { destinationRules } from "./destination-rules.ts";
import { endpointReports } from "./endpoints.ts";
import { gatewayRoutes } from "./gateway-routes.ts";
import { namesAndClients } from "./names-and-clients.ts";
import { portsAndAddresses } from "./ports-and-addresses.ts";
import type { Report, ReportedCall } from "./report.ts";
import { sameNames } from "./same-names.ts";
import { sidecarRoutes } from "./sidecar-routes.ts";

const reports: readonly Report[] = [
  ...sidecarRoutes,
  ...gatewayRoutes,
  ...destinationRules,
  ...portsAndAddresses,
  ...namesAndClients,
  ...endpointReports,
  ...sameNames,
];

test("each report has a number of its own", () => {
  assert.equal(new Set(reports.map(({ number }) => number)).size, reports.length);
});

for (const report of reports) {
  test(`In report ${report.number} ${report.says}`, () => {
    const { calls = [], clusters = [] } = report;
    assert.ok(calls.length + clusters.length > 0);
    for (const call of calls)
      assert.equal(destinationOf(report.mesh, call), call.goes, `${call.to} ${JSON.stringify(call.request)}`);
    for (const { from, name, look, is } of clusters) {
      const config = configOf(report.mesh, from);
      const cluster = config.clusters.find((each) => each.name === name);
      const assignment = config.endpoints.find(({ clusterName }) => clusterName === name);
      assert.deepEqual(look(cluster, assignment), is, name);
    }
  });
}

function destinationOf(mesh: string, { from, to, request = {} }: ReportedCall): string {
  const [, address = "", port = ""] = /^(.*):(\d+)$/.exec(to) ?? [];
  const outcome = walkCall(configOf(mesh, from), {
    ...({ path: "/", protocol: "http", tls: "plaintext" } satisfies Partial<Call>),
    callMode: from.type === "router" ? "gateway" : "outbound",
    fields: { headers: {} },
    ...request,
    ...{ address, port: Number(port) },
  });
  if (/no (virtual host|route) matched/.test(outcome.error ?? "")) return "nowhere";
  return outcome.clusterMatched ?? outcome.error ?? "nowhere";
}
