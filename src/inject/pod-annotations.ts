// Every annotation of a pod that injection reads, as a table: its name, the form of its text, what it does. The
// reference page is made from the same table, so no annotation works in secret.

import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import { volumeMount } from "../kinds/pod/container.ts";
import { volume } from "../kinds/pod/volume.ts";
import { list, map, real } from "../kinds/schema.ts";
import type { AnnotationForm } from "./annotation-value.ts";
import {
  anyText,
  json,
  namedJson,
  oneOf,
  quantityText,
  scrapeTargets,
  wholeNumber,
  wordList,
  yesOrNo,
} from "./annotation-value.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";

export interface AnnotationDeclaration<T> {
  readonly name: string;
  readonly form: AnnotationForm<T>;
  /** A clause for people. */
  readonly effect: string;
}

const sidecar = (name: string) => `sidecar.istio.io/${name}`;
const readiness = (name: string) => `readiness.status.sidecar.istio.io/${name}`;

const MAX_SECONDS = 2 ** 31 - 1;
const MAX_PORT = 65_535;

export const podAnnotations = {
  cpu: declare(sidecar("proxyCPU"), quantityText, "the proxy's request of CPU"),
  memory: declare(sidecar("proxyMemory"), quantityText, "the proxy's request of memory"),
  cpuLimit: declare(sidecar("proxyCPULimit"), quantityText, 'the proxy\'s limit of CPU; "0" is none'),
  memoryLimit: declare(
    sidecar("proxyMemoryLimit"),
    quantityText,
    'the proxy\'s limit of memory; "0" is none',
  ),
  image: declare(sidecar("proxyImage"), anyText, "the proxy's image, whole, or its name in the mesh's hub"),
  imageType: declare(
    sidecar("proxyImageType"),
    anyText,
    'the variant of the proxy\'s image, put behind its tag; "default" and "distroless" are the image itself',
  ),
  logLevel: declare(sidecar("logLevel"), anyText, "Envoy's log level"),
  componentLogLevel: declare(sidecar("componentLogLevel"), anyText, "Envoy's log levels by component"),
  agentLogLevel: declare(sidecar("agentLogLevel"), anyText, "the agent's log level"),
  interceptionMode: declare(
    sidecar("interceptionMode"),
    oneOf("REDIRECT", "TPROXY", "NONE"),
    "how traffic gets to the proxy",
  ),
  isNative: declare(sidecar("nativeSidecar"), yesOrNo, "the proxy as a restartable init container, or not"),
  rewritesProbes: declare(sidecar("rewriteAppHTTPProbers"), yesOrNo, "the app's probes by way of the agent"),
  bootstrapOverride: declare(
    sidecar("bootstrapOverride"),
    anyText,
    "a ConfigMap whose key `custom_bootstrap.json` is merged into Envoy's bootstrap",
  ),
  userVolumes: declare(
    sidecar("userVolume"),
    namedJson(volume),
    "volumes for the proxy: a JSON object of sources by name, or a list of volumes",
  ),
  userMounts: declare(
    sidecar("userVolumeMount"),
    namedJson(volumeMount),
    "where the proxy mounts volumes: a JSON object of mounts by volume, or a list of mounts",
  ),
  discoveryAddress: declare(
    sidecar("discoveryAddress"),
    anyText,
    "where the control plane is; deprecated for `discoveryAddress` in `proxy.istio.io/config`",
  ),
  controlPlaneAuthPolicy: declare(
    sidecar("controlPlaneAuthPolicy"),
    oneOf("NONE", "MUTUAL_TLS"),
    "whether xDS is encrypted; deprecated for the field of that name in `proxy.istio.io/config`",
  ),
  statsPrefixes: declare(
    sidecar("statsInclusionPrefixes"),
    wordList,
    "prefixes of statistics that Envoy keeps beside the usual ones",
  ),
  statsSuffixes: declare(sidecar("statsInclusionSuffixes"), wordList, "the same by suffixes"),
  statsRegexps: declare(sidecar("statsInclusionRegexps"), wordList, "the same by regular expressions"),
  histogramBuckets: declare(
    sidecar("statsHistogramBuckets"),
    json(map(list(real()))),
    "a JSON object of bucket bounds by prefix of a histogram's name",
  ),
  statusPort: declare(
    "status.sidecar.istio.io/port",
    wholeNumber(0, MAX_PORT),
    "where the agent answers probes and metrics; 0 leaves the proxy without a readiness probe",
  ),
  initialDelaySeconds: declare(
    readiness("initialDelaySeconds"),
    wholeNumber(0, MAX_SECONDS),
    "of the proxy's readiness probe",
  ),
  periodSeconds: declare(
    readiness("periodSeconds"),
    wholeNumber(1, MAX_SECONDS),
    "of the proxy's readiness probe",
  ),
  failureThreshold: declare(
    readiness("failureThreshold"),
    wholeNumber(1, MAX_SECONDS),
    "of the proxy's readiness probe",
  ),
  mergesMetrics: declare(
    "prometheus.istio.io/merge-metrics",
    yesOrNo,
    "the app's metrics and the proxy's at one address",
  ),
  scrapeTargets: declare(
    "prometheus.istio.io/scrape-targets",
    scrapeTargets,
    "several pages of the app's metrics to merge, as `PORT:PATH`, comma-separated; instead of `prometheus.io/port` and `path`",
  ),
  templates: declare(
    "inject.istio.io/templates",
    wordList,
    "what is put into the pod: `sidecar`, `gateway`, or templates of the mesh",
  ),
} as const;

type ValueOf<D> = D extends AnnotationDeclaration<infer T> ? T : never;

/** What a pod's annotations say; what they don't mention is absent. */
export type PodAnnotations = {
  readonly [K in keyof typeof podAnnotations]?: ValueOf<(typeof podAnnotations)[K]>;
};

/** Annotations that can't be read are left out, and each has its Problem. */
export function readPodAnnotations(pod: InjectablePod): {
  readonly annotations: PodAnnotations;
  readonly problems: readonly Problem[];
} {
  const values: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const [key, { name, form }] of Object.entries(podAnnotations)) {
    const text = annotationOf(pod, name);
    if (text === undefined) continue;
    const read = form(text);
    if ("fault" in read) problems.push(annotationProblem(name, text, read.fault));
    else values[key] = read.value;
  }
  return { annotations: values, problems };
}

const MAX_QUOTED_LENGTH = 60;

export function annotationProblem(name: string, text: string, fault: string): Problem {
  const [line = ""] = text.split("\n");
  const quoted = line.length > MAX_QUOTED_LENGTH ? `${line.slice(0, MAX_QUOTED_LENGTH)}…` : line;
  return problem("MLT1005", {
    path: `metadata.annotations["${name}"]`,
    message: `Cannot use "${quoted}" of annotation ${name}: ${fault}`,
  });
}

function declare<T>(name: string, form: AnnotationForm<T>, effect: string): AnnotationDeclaration<T> {
  return { name, form, effect };
}
