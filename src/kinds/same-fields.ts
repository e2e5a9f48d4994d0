// Parts of objects that are of one form and mean one thing wherever they stand, so that what is said of a field
// in one place holds in the others: a pod's template is a pod, a subset's policy is a policy.

/** `[elsewhere, here]`, both `Kind.path`: a field below the first is the same as one below the second. */
const samePlaces: readonly (readonly [string, string])[] = [
  ["MeshConfig.spec", "MeshConfig"],
  ["DestinationRule.spec.subsets[].trafficPolicy", "DestinationRule.spec.trafficPolicy"],
  ["DestinationRule.spec.trafficPolicy.portLevelSettings[]", "DestinationRule.spec.trafficPolicy"],
  ["Deployment.spec.template.spec", "Pod.spec"],
  ["ReplicaSet.spec.template.spec", "Pod.spec"],
  ["StatefulSet.spec.template.spec", "Pod.spec"],
  ["DaemonSet.spec.template.spec", "Pod.spec"],
  ["Job.spec.template.spec", "Pod.spec"],
  ["Pod.spec.initContainers[]", "Pod.spec.containers[]"],
  ["Pod.spec.containers[].livenessProbe", "Pod.spec.containers[].readinessProbe"],
  ["Pod.spec.containers[].startupProbe", "Pod.spec.containers[].readinessProbe"],
  ["Pod.spec.containers[].lifecycle.preStop", "Pod.spec.containers[].lifecycle.postStart"],
];

/** The one name of a field that has several: of `DestinationRule.spec.subsets[].trafficPolicy.tls.mode`, `DestinationRule.spec.trafficPolicy.tls.mode`. */
export function canonicalField(field: string): string {
  for (const [elsewhere, here] of samePlaces) {
    if (isAtOrBelow(field, elsewhere)) return canonicalField(here + field.slice(elsewhere.length));
  }
  return field;
}

/** The canonical field and every other place where it stands. */
export function placesOf(canonical: string): string[] {
  return expand(canonical, samePlaces);
}

// A port's settings are a policy without ports of their own: each pair is used once on the way.
function expand(field: string, pairs: readonly (readonly [string, string])[]): string[] {
  const others = pairs.flatMap(([elsewhere, here], index) => {
    if (!isAtOrBelow(field, here) || isAtOrBelow(field, elsewhere)) return [];
    return expand(elsewhere + field.slice(here.length), pairs.toSpliced(index, 1));
  });
  return [...new Set([field, ...others])];
}

function isAtOrBelow(field: string, place: string): boolean {
  return field === place || field.startsWith(`${place}.`) || field.startsWith(`${place}[`);
}
