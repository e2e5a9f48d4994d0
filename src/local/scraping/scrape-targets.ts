// What a Prometheus on this machine is to scrape of the mesh's pods, by the annotations that it goes by on Kubernetes.
// Pure; reaches nobody.

import { ISTIO_PROXY_PORTS } from "../../core/proxy-ports.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { allContainers } from "../workloads/environment.ts";
import { isFinished } from "../workloads/pod-condition.ts";

export interface ScrapeTarget {
  /** Where the machine asks for it: `/pods/NAMESPACE/POD`, and `/pods/NAMESPACE/POD/proxy` where the proxy's page isn't merged. */
  readonly relayPath: string;
  /** Where it is in the mesh. */
  readonly page: ScrapedPage;
  /** Of every series: the pod's own, as Prometheus spells them, with `namespace`, `pod` and `instance`. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface ScrapedPage {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** By namespace and name. A pod that has no address yet, or has ended, is none. */
export function scrapeTargetsOf(pods: readonly Pod[]): readonly ScrapeTarget[] {
  return pods.flatMap(targetsOf).toSorted((one, other) => (one.relayPath < other.relayPath ? -1 : 1));
}

function targetsOf(pod: Pod): readonly ScrapeTarget[] {
  const host = pod.status?.podIP;
  if (host === undefined || isFinished(pod)) return [];
  const { namespace, name } = pod.metadata;
  const relayPath = `/pods/${namespace}/${name}`;
  const target = (path: string, page: Omit<ScrapedPage, "host">): ScrapeTarget => ({
    relayPath: path,
    page: { host, ...page },
    labels: labelsOf(pod, `${host}:${page.port}`),
  });
  const annotated = annotatedPage(pod);
  const targets = annotated === undefined ? [] : [target(relayPath, annotated)];
  const hasProxy = allContainers(pod).some(({ name }) => name === "istio-proxy");
  if (!hasProxy || isServedByProxy(annotated)) return targets;
  const proxyPage = { port: ISTIO_PROXY_PORTS.envoyStats, path: METRICS_PATH };
  return [...targets, target(`${relayPath}/proxy`, proxyPage)];
}

const METRICS_PATH = "/stats/prometheus";

function isServedByProxy(page: Omit<ScrapedPage, "host"> | undefined): boolean {
  return page?.port === ISTIO_PROXY_PORTS.agent || page?.port === ISTIO_PROXY_PORTS.envoyStats;
}

/** Undefined where the pod doesn't ask for it, or for a port that is none. */
function annotatedPage({ metadata }: Pod): Omit<ScrapedPage, "host"> | undefined {
  const annotation = (name: string) => metadata.annotations?.[`prometheus.io/${name}`];
  if (annotation("scrape") !== "true") return undefined;
  const port = annotation("port") || "80";
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) return undefined;
  const path = annotation("path") || "/metrics";
  return { port: Number(port), path: path.startsWith("/") ? path : `/${path}` };
}

// Those that Prometheus or its histograms and summaries take for something else.
const RESERVED = new Set(["job", "le", "quantile"]);

function labelsOf({ metadata }: Pod, instance: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    const name = key.replaceAll(/[^a-zA-Z0-9_]/g, "_");
    // Two underscores at the start say where to scrape, not who was scraped.
    if (/^(?:__|\d)/.test(name) || RESERVED.has(name)) continue;
    labels[name] = value;
  }
  return { ...labels, namespace: metadata.namespace, pod: metadata.name, instance };
}
