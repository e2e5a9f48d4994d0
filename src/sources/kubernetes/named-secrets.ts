// Which Secrets the mesh's objects name: the only ones that the control plane ever reads. Pure.

import { type LabelSelector, matchesLabels } from "../../core/label-selector.ts";
import type { DestinationRule } from "../../kinds/destination-rule/destination-rule.ts";
import type { Gateway } from "../../kinds/gateway/gateway.ts";
import type { Pod } from "../../kinds/pod/pod.ts";

export interface NamingObjects {
  readonly gateways: Iterable<Gateway>;
  readonly destinationRules: Iterable<DestinationRule>;
  readonly pods: Iterable<Pod>;
}

const AUTHORITY_SUFFIX = "-cacert";

/**
 * `namespace/name` of each. A gateway's Secrets are those of its pods' own namespaces, a DestinationRule's those of
 * the rule's clients, whose namespace must be its own, or the gateways' that send by it.
 */
export function namedSecrets({ gateways, destinationRules, pods }: NamingObjects): ReadonlySet<string> {
  const withSecrets = [...gateways].map((gateway) => ({ gateway, names: namesOfGateway(gateway) }));
  const rules = [...destinationRules].map((rule) => ({ rule, names: namesOfRule(rule) }));
  const isNeeded = [...withSecrets, ...rules].some(({ names }) => names.length > 0);
  if (!isNeeded) return new Set();
  const namespacesByLabels = groupNamespaces(pods);
  const found = new Set<string>();
  const add = (namespaces: Iterable<string>, names: readonly string[]) => {
    for (const namespace of namespaces) for (const name of names) found.add(`${namespace}/${name}`);
  };
  const gatewayNamespaces = new Set<string>();
  for (const { gateway, names } of withSecrets) {
    const namespaces = selectedNamespaces(gateway, namespacesByLabels);
    for (const namespace of namespaces) gatewayNamespaces.add(namespace);
    add([gateway.metadata.namespace, ...namespaces], names);
  }
  // A gateway that selects nobody in particular is for all gateways, not for every pod of the cluster.
  const unselective = withSecrets.filter(({ gateway }) => isUnselective(gateway));
  for (const { names } of unselective) add(gatewayNamespaces, names);
  for (const { rule, names } of rules) {
    add([rule.metadata.namespace, ...gatewayNamespaces], names);
  }
  return found;
}

function namesOfGateway({ spec }: Gateway): readonly string[] {
  return (spec.servers ?? []).flatMap(({ tls }) => {
    if (tls === undefined) return [];
    const { credentialName, credentialNames = [], caCertCredentialName, mode } = tls;
    const [first, ...others] = [credentialName, ...credentialNames].filter(isName);
    const isMutual = mode === "MUTUAL" || mode === "OPTIONAL_MUTUAL";
    const authorities = isMutual && first !== undefined ? [`${first}${AUTHORITY_SUFFIX}`] : [];
    return [first, ...others, ...authorities, caCertCredentialName].filter(isName);
  });
}

function namesOfRule({ spec }: DestinationRule): readonly string[] {
  const policies = [spec.trafficPolicy, ...(spec.subsets ?? []).map(({ trafficPolicy }) => trafficPolicy)];
  const settings = policies.flatMap((policy) => [
    policy?.tls,
    ...(policy?.portLevelSettings ?? []).map(({ tls }) => tls),
  ]);
  const names = settings.map((tls) => tls?.credentialName).filter(isName);
  return names.flatMap((name) => [name, `${name}${AUTHORITY_SUFFIX}`]);
}

function isName(name: string | undefined): name is string {
  return name !== undefined && name !== "";
}

type Labels = NonNullable<LabelSelector["matchLabels"]>;

/** Pods share their label maps, so there are far fewer of these than of pods. */
function groupNamespaces(pods: Iterable<Pod>): ReadonlyMap<Labels, ReadonlySet<string>> {
  const namespacesByLabels = new Map<Labels, Set<string>>();
  for (const { metadata } of pods) {
    const { labels = none, namespace } = metadata;
    const namespaces = namespacesByLabels.get(labels) ?? new Set();
    namespacesByLabels.set(labels, namespaces.add(namespace));
  }
  return namespacesByLabels;
}

const none: Labels = {};

function isUnselective({ spec: { selector = {} } }: Gateway): boolean {
  return Object.keys(selector).length === 0;
}

function selectedNamespaces(
  gateway: Gateway,
  namespacesByLabels: ReadonlyMap<Labels, ReadonlySet<string>>,
): ReadonlySet<string> {
  const found = new Set<string>();
  if (isUnselective(gateway)) return found;
  for (const [labels, namespaces] of namespacesByLabels) {
    if (!matchesLabels(gateway.spec.selector ?? {}, labels)) continue;
    for (const namespace of namespaces) found.add(namespace);
  }
  return found;
}
