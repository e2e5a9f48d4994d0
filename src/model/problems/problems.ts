// What is wrong between objects, kept in step with them: one row of Problems for each object that has any.

import type { Problem } from "../../core/problem.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Table } from "../../graph/table.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import type { Model } from "../model.ts";
import { keyOf, type Sources } from "../sources.ts";
import { checkDefaultLogging, checkLogProviders } from "./access-logging.ts";
import { checkAddressConflicts } from "./address-conflict.ts";
import type { Check } from "./check.ts";
import { checkClaimRoutes } from "./claim-routes.ts";
import { checkCrossNamespaceHosts } from "./cross-namespace-host.ts";
import { checkDelegates } from "./delegates.ts";
import { checkDestinationHosts } from "./destination-host.ts";
import { checkDestinationPorts } from "./destination-port.ts";
import { checkDestinationSubsets } from "./destination-subset.ts";
import { firstProblems } from "./first-problems.ts";
import { checkGatewayCredentials } from "./gateway-credentials.ts";
import { checkGatewayPorts } from "./gateway-port.ts";
import { checkGatewayReferences } from "./gateway-reference.ts";
import { checkGatewaySelector } from "./gateway-selector.ts";
import { checkIndistinctHosts } from "./indistinct-host.ts";
import { checkMeshHostConflicts } from "./mesh-host-conflict.ts";
import { policyChecks } from "./policy-checks.ts";
import { checkPolicyTargets } from "./policy-targets.ts";
import { declareProblemIndexes, type ProblemIndexes } from "./problem-indexes.ts";
import { checkReservedGatewayPorts, checkReservedServicePorts } from "./reserved-port.ts";
import { checkRuleCredentials } from "./rule-credentials.ts";
import { checkRuleHost } from "./rule-host.ts";
import { checkRuleSubsets } from "./rule-subsets.ts";
import { checkServiceEntryHosts } from "./service-entry-host.ts";
import { checkShortNameConflicts } from "./short-name-conflict.ts";
import { checkTelemetryScope } from "./telemetry.ts";
import { checkDefaultTracing, checkTracingProviders } from "./tracing.ts";
import { checkWorkloadEntryAddress } from "./workload-entry-address.ts";
import { checkWorkloadPortProtocols } from "./workload-port-protocol.ts";

/** Rows by ObjectKey. The Problems name object and path; file and line are for who knows the files to add. */
export function declareProblems(
  graph: Graph,
  sources: Sources,
  model: Model,
  indexes = declareProblemIndexes(graph, sources, model),
): Table<readonly Problem[]> {
  const inputs = { graph, sources, model, indexes };
  return graph.union("problems", [
    problemsOf(sources.VirtualService, inputs, [
      checkDestinationHosts,
      checkDestinationSubsets,
      checkDestinationPorts,
      checkGatewayReferences,
      checkMeshHostConflicts,
      checkCrossNamespaceHosts,
      checkDelegates,
      checkClaimRoutes,
    ]),
    problemsOf(sources.DestinationRule, inputs, [checkRuleHost, checkRuleSubsets, checkRuleCredentials]),
    problemsOf(sources.Gateway, inputs, [
      checkGatewaySelector,
      checkGatewayCredentials,
      checkReservedGatewayPorts,
      checkGatewayPorts,
    ]),
    problemsOf(sources.PeerAuthentication, inputs, policyChecks.PeerAuthentication),
    problemsOf(sources.AuthorizationPolicy, inputs, policyChecks.AuthorizationPolicy),
    problemsOf(sources.RequestAuthentication, inputs, policyChecks.RequestAuthentication),
    problemsOf(sources.Telemetry, inputs, [
      checkLogProviders,
      checkTracingProviders,
      checkTelemetryScope,
      checkPolicyTargets,
    ]),
    problemsOf(sources.MeshConfig, inputs, [checkDefaultLogging, checkDefaultTracing]),
    problemsOf(sources.Service, inputs, [checkWorkloadPortProtocols, checkReservedServicePorts]),
    problemsOf(sources.ServiceEntry, inputs, [
      checkServiceEntryHosts,
      checkShortNameConflicts,
      checkAddressConflicts,
      checkIndistinctHosts,
      checkReservedServicePorts,
    ]),
    problemsOf(sources.WorkloadEntry, inputs, [checkWorkloadEntryAddress]),
  ]);
}

interface ProblemInputs {
  readonly graph: Graph;
  readonly sources: Sources;
  readonly model: Model;
  readonly indexes: ProblemIndexes;
}

function problemsOf<T extends KubernetesObject>(
  from: Table<T>,
  { graph, sources, model, indexes }: ProblemInputs,
  checks: readonly Check<T>[],
): Table<readonly Problem[]> {
  return graph.derive<T, readonly Problem[]>({
    name: `problems of ${from.name}`,
    from,
    rows: (_key, object, read) => {
      const context = { read, sources, model, indexes, settings: read.one(model.settings) };
      const found = checks.flatMap((check) => firstProblems(check(object, context)));
      return found.length === 0 ? [] : [[keyOf(object), found]];
    },
  });
}
