// What would fail, asked before anything is changed: the server's version and APIs, the user's rights, who is there.

import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { listObjects } from "./cluster-access.ts";
import { definitionResource, injectorResource, resourceOf } from "./install-resources.ts";
import type { InstallSettings } from "./install-settings.ts";
import { installationObjects } from "./installation-objects.ts";
import { INSTALLED_LABEL } from "./object-names.ts";

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
    readonly namespaceSelector?: Selector;
    readonly objectSelector?: Selector;
  }[];
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** Whether it injects pods that ask for a revision or tag by their labels. */
export function injectsRevision({ webhooks = [] }: InjectorConfiguration, revision: string): boolean {
  const wants = (selector: Selector | undefined, key: string, value: string) =>
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

const nodeResource = { kind: "Node", apiVersion: "v1", plural: "nodes", isNamespaced: false };

async function checkNodes(access: ClusterAccess): Promise<PrecheckFinding[]> {
  const nodes = await listObjects(access, nodeResource);
  const isFit = ({ metadata: { labels = {} } }: KubernetesObject) =>
    labels["kubernetes.io/os"] === "linux" && ["amd64", "arm64"].includes(labels["kubernetes.io/arch"] ?? "");
  if (nodes.some(isFit)) return [];
  return [{ severity: "error", message: "no node runs Linux on amd64 or arm64, as the images need it" }];
}
