// What a cluster is called in Envoy's statistics, where MeshConfig says so: its name else. Only statistics have it.

export interface StatNameFacts {
  readonly service: { readonly hostname: string; readonly name: string; readonly namespace: string };
  readonly port: { readonly number: number; readonly name: string };
  readonly subset?: string;
  /** The application's, at its own end. */
  readonly targetPort?: number;
}

/** Nothing for an empty pattern. The variables are Istio's (pilot/pkg/networking/telemetry); others stay as written. */
export function statNameOf(pattern: string, facts: StatNameFacts): { readonly statName?: string } {
  if (pattern === "") return {};
  const values = valuesOf(facts);
  return { statName: pattern.replace(VARIABLES, (text, variable) => values.get(variable) ?? text) };
}

const VARIABLES = /%(SERVICE(?:_(?:NAME|FQDN|PORT|PORT_NAME))?|SUBSET_NAME|TARGET_PORT)%/g;

function valuesOf({ service, port, subset = "", targetPort }: StatNameFacts): ReadonlyMap<string, string> {
  const { hostname, name, namespace } = service;
  // Hosts outside of Kubernetes have no shorter name.
  const isOfKubernetes = hostname.startsWith(`${name}.${namespace}.svc.`);
  return new Map([
    ["SERVICE", isOfKubernetes ? `${name}.${namespace}` : hostname],
    ["SERVICE_NAME", isOfKubernetes ? name : hostname],
    ["SERVICE_FQDN", hostname],
    ["SERVICE_PORT", String(port.number)],
    ["SERVICE_PORT_NAME", port.name],
    ["SUBSET_NAME", subset],
    ...(targetPort === undefined ? [] : [["TARGET_PORT", String(targetPort)] as const]),
  ]);
}
