// The WORKLOAD of a command: `reviews-v1`, `deploy/reviews-v1`, `pod/reviews-v1-5f7d-x2k`, `NAME.NAMESPACE`.

import type { PodReport } from "../admin/contract/supervisor.ts";
import { nearestSpelling } from "../core/nearest-spelling.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";

export interface WorkloadArgument {
  /** A Kind, or undefined for any. */
  readonly kind: string | undefined;
  readonly name: string;
  readonly text: string;
}

const kindsByWord: Readonly<Record<string, string>> = {
  po: "Pod",
  pod: "Pod",
  pods: "Pod",
  deploy: "Deployment",
  deployment: "Deployment",
  deployments: "Deployment",
  sts: "StatefulSet",
  statefulset: "StatefulSet",
  statefulsets: "StatefulSet",
  ds: "DaemonSet",
  daemonset: "DaemonSet",
  daemonsets: "DaemonSet",
  job: "Job",
  jobs: "Job",
};

export function parseWorkloadArgument(text: string): WorkloadArgument {
  const slash = text.indexOf("/");
  if (slash === -1) return { kind: undefined, name: text, text };
  const word = text.slice(0, slash).toLowerCase().split(".")[0] ?? "";
  const kind = kindsByWord[word];
  const name = text.slice(slash + 1);
  if (kind !== undefined && name !== "") return { kind, name, text };
  const nearest = nearestSpelling(word, Object.keys(kindsByWord));
  throw new CommandFailure(
    exitCodes.usage,
    `Cannot read workload "${text}": wanted NAME, NAME.NAMESPACE, deploy/NAME, sts/NAME, ds/NAME, job/NAME or pod/NAME`,
    nearest === undefined ? undefined : `did you mean "${nearest}/${name}"?`,
  );
}

/** The pods meant, at least one. `namespace` undefined: look everywhere, and ask when several namespaces have one. */
export function findPods(
  pods: readonly PodReport[],
  text: string,
  namespace: string | undefined,
): readonly PodReport[] {
  const { kind, name } = parseWorkloadArgument(text);
  const found = podsNamed(pods, { kind, name, namespace });
  const dot = name.lastIndexOf(".");
  const matches =
    found.length > 0 || dot <= 0
      ? found
      : podsNamed(pods, { kind, name: name.slice(0, dot), namespace: name.slice(dot + 1) });
  if (matches.length === 0) throw notFound(pods, text, namespace);
  const namespaces = [...new Set(matches.map((pod) => pod.namespace))];
  if (namespaces.length > 1) {
    const choices = namespaces.map((each) => `-n ${each}`).join(" or ");
    throw new CommandFailure(exitCodes.usage, `"${text}" is in several namespaces`, `say which: ${choices}`);
  }
  return matches;
}

/** The first pod meant that runs, else the first. */
export function findPod(pods: readonly PodReport[], text: string, namespace: string | undefined): PodReport {
  const found = findPods(pods, text, namespace);
  const pod = found.find(({ phase }) => phase === "Running") ?? found[0];
  if (pod === undefined) throw notFound(pods, text, namespace);
  return pod;
}

interface Wanted {
  readonly kind: string | undefined;
  readonly name: string;
  readonly namespace: string | undefined;
}

function podsNamed(pods: readonly PodReport[], { kind, name, namespace }: Wanted): readonly PodReport[] {
  const near = pods.filter((pod) => namespace === undefined || pod.namespace === namespace);
  const exact = near.filter((pod) => pod.name === name && (kind === undefined || kind === "Pod"));
  if (exact.length > 0) return exact;
  return near.filter(
    ({ workload }) => workload.name === name && (kind === undefined || workload.kind === kind),
  );
}

function notFound(pods: readonly PodReport[], text: string, namespace: string | undefined): CommandFailure {
  const names = new Set(pods.flatMap((pod) => [pod.workload.name, pod.name]));
  const nearest = nearestSpelling(text.replace(/^.*\//, ""), names);
  const place = namespace === undefined ? "" : ` in namespace "${namespace}"`;
  const all = "see them: meltemi get pods -A";
  const hint = nearest === undefined ? all : `did you mean "${nearest}"?`;
  return new CommandFailure(exitCodes.no, `No workload or pod is called "${text}"${place}`, hint);
}
