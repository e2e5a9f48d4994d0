// Whether a cluster's kubelets run restartable init containers, and so whether sidecars are such by default.

export interface NativeSidecars {
  /** Where a pod doesn't say it itself. */
  readonly isDefault: boolean;
  /** Some kubelet is too old to run them: it would wait for the sidecar to end, for ever. */
  readonly isPossible: boolean;
}

/** `auto`: as soon as every node has a kubelet in which the feature is stable. */
export type NativeSidecarWish = "auto" | "always" | "never";

/** On by default since then, if still changeable. */
const FIRST_MINOR = 29;
/** Stable, and not to be switched off. */
const STABLE_MINOR = 33;

/** `kubeletVersions`: `v1.33.4+k3s1`; what can't be read counts as new. Without any node, classic sidecars are certain to run. */
export function nativeSidecarsOf(kubeletVersions: Iterable<string>, wish: NativeSidecarWish): NativeSidecars {
  const minors = [...kubeletVersions].map(minorOf);
  const oldest = Math.min(...minors);
  const isPossible = oldest >= FIRST_MINOR;
  const isStable = minors.length > 0 && oldest >= STABLE_MINOR;
  return { isPossible, isDefault: isPossible && (wish === "always" || (wish === "auto" && isStable)) };
}

/** As Istio's ENABLE_NATIVE_SIDECARS. */
export function parseNativeSidecarWish(text: string | undefined): NativeSidecarWish {
  if (text === "true") return "always";
  return text === "false" ? "never" : "auto";
}

function minorOf(version: string): number {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  return major === "1" ? Number(minor) : Number.POSITIVE_INFINITY;
}
