// What would fail, asked before anything is changed: the server's version and APIs, the user's rights, who is there.

import type { LabelSelector } from "../core/label-selector.ts";
import { findUninjectedPods } from "../inject/uninjected-pods.ts";
import { type InjectorWebhooks, wantedRevision } from "../inject/wanted-revision.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { Pod } from "../kinds/pod/pod.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { listObjects } from "./cluster-access.ts";
import {
  definitionResource,
  injectorResource,
  namespaceResource,
  podResource,
  resourceOf,
} from "./install-resources.ts";
import { CNI_NAMESPACE, type InstallSettings } from "./install-settings.ts";
import { installationObjects } from "./installation-objects.ts";
import { INSTALLED_LABEL, installationOf } from "./object-names.ts";
import { webhookConfigurations } from "./webhook-configurations.ts";

export interface PrecheckFinding {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly hint?: string;
}

/** The oldest on which the API server takes all that an installation holds. */
export const MINIMUM_MINOR_VERSION = 29;
export const TESTED_VERSION = "1.36";

export async function precheck(
  access: ClusterAccess,
  settings: InstallSettings,
): Promise<readonly PrecheckFinding[]> {
  const findings = [...(await checkVersion(access))];
  access.onProgress("version of the API server");
  findings.push(...(await checkRights(access, settings)));
  access.onProgress("rights to install");
  // What may not be listed was found above.
  if (findings.some(({ severity }) => severity === "error")) return findings;
  findings.push(...(await checkNeighbours(access, settings)));
  access.onProgress("other meshes");
  findings.push(...(await checkNodes(access)));
  access.onProgress("nodes");
  findings.push(...(await checkLabels(access, settings)), ...(await checkPodSecurity(access, settings)));
  access.onProgress("labels of namespaces and pods");
  return findings;
}

async function checkVersion({ client }: ClusterAccess): Promise<PrecheckFinding[]> {
  const answer = (await client.request({ path: "/version" })) as {
    readonly major?: string;
    readonly minor?: string;
  };
  const { major = "0", minor = "0" } = answer;
  const isOld = Number(major) === 1 && Number.parseInt(minor, 10) < MINIMUM_MINOR_VERSION;
  if (!isOld) return [];
  const message = `found Kubernetes ${major}.${minor}, wanted at least 1.${MINIMUM_MINOR_VERSION}`;
  return [{ severity: "error", message }];
}

async function checkRights(access: ClusterAccess, settings: InstallSettings): Promise<PrecheckFinding[]> {
  const places = new Map(
    installationObjects(settings).map((object) => [
      `${object.kind} ${object.metadata.namespace ?? ""}`,
      object,
    ]),
  );
  const findings: PrecheckFinding[] = [];
  for (const { kind, metadata } of places.values()) {
    const resource = resourceOf({ kind });
    const [group = ""] = resource.apiVersion.includes("/") ? resource.apiVersion.split("/") : [];
    for (const verb of ["create", "patch"]) {
      const attributes = { group, resource: resource.plural, verb, ...inNamespace(metadata.namespace) };
      if (await isAllowed(access, attributes)) continue;
      const where = metadata.namespace === undefined ? "" : ` in namespace ${metadata.namespace}`;
      findings.push({ severity: "error", message: `you may not ${verb} ${resource.plural}${where}` });
    }
  }
  return findings;
}

function inNamespace(namespace: string | undefined) {
  return namespace === undefined ? {} : { namespace };
}

async function isAllowed({ client }: ClusterAccess, resourceAttributes: object): Promise<boolean> {
  const answer = (await client.request({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes },
    },
  })) as { readonly status?: { readonly allowed?: boolean } };
  return answer.status?.allowed === true;
}

function isForeign({ metadata }: KubernetesObject): boolean {
  return metadata.labels?.[INSTALLED_LABEL] !== "meltemi";
}

async function checkNeighbours(
  access: ClusterAccess,
  { revision }: InstallSettings,
): Promise<PrecheckFinding[]> {
  const findings: PrecheckFinding[] = [];
  const definitions = await listObjects(access, definitionResource);
  const shared = definitions.filter((each) => each.metadata.name.endsWith(".istio.io") && isForeign(each));
  if (shared.length > 0) {
    const message = `${shared.length} definitions of Istio's kinds are another mesh's and will be left as they are`;
    findings.push({ severity: "warning", message });
  }
  const rivals = (await listObjects(access, injectorResource)).filter(
    (each) => isForeign(each) && injectsRevision(each as InjectorConfiguration, revision),
  );
  for (const { metadata } of rivals) {
    findings.push({
      severity: "error",
      message: `webhook configuration "${metadata.name}" injects the pods of revision "${revision}" too: they would get two sidecars`,
      hint: "install with --revision NAME and move namespaces one by one with the label istio.io/rev=NAME",
    });
  }
  return findings;
}

export interface InjectorConfiguration extends KubernetesObject {
  readonly webhooks?: readonly {
    readonly clientConfig?: { readonly caBundle?: string };
    readonly namespaceSelector?: LabelSelector;
    readonly objectSelector?: LabelSelector;
  }[];
}

/** Whether it injects pods that ask for a revision or tag by their labels. */
export function injectsRevision({ webhooks = [] }: InjectorConfiguration, revision: string): boolean {
  const wants = (selector: LabelSelector | undefined, key: string, value: string) =>
    selector?.matchLabels?.[key] === value ||
    (selector?.matchExpressions ?? []).some(
      (each) => each.key === key && each.operator === "In" && (each.values ?? []).includes(value),
    );
  return webhooks.some(({ namespaceSelector, objectSelector }) =>
    [namespaceSelector, objectSelector].some(
      (selector) =>
        wants(selector, "istio.io/rev", revision) ||
        (revision === "default" && wants(selector, "istio-injection", "enabled")),
    ),
  );
}

/** Whom nobody would inject once this installation is there: a name that is misspelt, or was removed. */
async function checkLabels(access: ClusterAccess, settings: InstallSettings): Promise<PrecheckFinding[]> {
  const injectors = [
    ...((await listObjects(access, injectorResource)) as readonly InjectorConfiguration[]),
    ...(webhookConfigurations(installationOf(settings)) as readonly InjectorWebhooks[]),
  ];
  const groups = findUninjectedPods({
    namespaces: await listObjects(access, namespaceResource),
    pods: (await listObjects(access, podResource)) as readonly Pod[],
    injectors,
    ignoredNamespaces: [settings.namespace, CNI_NAMESPACE],
  });
  return groups
    .filter(({ reason }) => reason === "unknown revision")
    .map(({ namespace, pods, revision }) => ({
      severity: "warning",
      message: `${pods.length === 0 ? "pods" : `${pods.length} pods`} of namespace "${namespace}" ask for revision "${revision}", which nobody injects: such pods start without a sidecar`,
      hint: "correct the label istio.io/rev, or make a tag of that name: meltemi tag set NAME --revision REVISION",
    }));
}

/** Pod Security refuses the init container that captures a pod's traffic, but for the CNI plugin, which needs none. */
async function checkPodSecurity(
  access: ClusterAccess,
  { hasCni, revision }: InstallSettings,
): Promise<PrecheckFinding[]> {
  if (hasCni) return [];
  const refusing = (await listObjects(access, namespaceResource)).filter(
    ({ metadata: { deletionTimestamp, labels } }) =>
      deletionTimestamp === undefined &&
      wantedRevision(labels) === revision &&
      ["baseline", "restricted"].includes(labels?.["pod-security.kubernetes.io/enforce"] ?? ""),
  );
  return refusing.map(({ metadata: { labels, name } }) => ({
    severity: "warning",
    message: `namespace "${name}" has the Pod Security level "${labels?.["pod-security.kubernetes.io/enforce"]}", which refuses pods with NET_ADMIN, as injection makes them`,
    hint: "install with --profile cni: pods need no capability then",
  }));
}

const nodeResource = { kind: "Node", apiVersion: "v1", plural: "nodes", isNamespaced: false };

async function checkNodes(access: ClusterAccess): Promise<PrecheckFinding[]> {
  const nodes = await listObjects(access, nodeResource);
  const isFit = ({ metadata: { labels = {} } }: KubernetesObject) =>
    labels["kubernetes.io/os"] === "linux" && ["amd64", "arm64"].includes(labels["kubernetes.io/arch"] ?? "");
  if (nodes.some(isFit)) return [];
  return [{ severity: "error", message: "no node runs Linux on amd64 or arm64, as the images need it" }];
}
