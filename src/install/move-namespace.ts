// Moves a namespace's pods to another control plane, or back, while its traffic goes on: the label first, then each
// workload is rolled over and waited for. It begins only where pods of both can trust each other all the while.

import { wantedRevision } from "../inject/wanted-revision.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { controllingWorkload } from "../kinds/pod/controlling-workload.ts";
import { getObject } from "../kubernetes/api-objects.ts";
import { type ApiResource, resourcePath } from "../kubernetes/api-resource.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { listObjects } from "./cluster-access.ts";
import type { InstallObject } from "./install-object.ts";
import {
  configMapResource,
  daemonSetResource,
  deploymentResource,
  injectorResource,
  namespaceResource,
  podResource,
  statefulSetResource,
} from "./install-resources.ts";
import { REVISION_LABEL, ROOT_CERTIFICATE_CONFIG_MAP } from "./object-names.ts";
import { type InjectorConfiguration, injectsRevision } from "./precheck.ts";
import { untilInForce } from "./workload-health.ts";

export interface MoveOptions {
  readonly namespace: string;
  /** A revision or a tag, of whichever mesh; absent: to where it was moved from. */
  readonly to?: string;
  /** For each workload. */
  readonly timeoutMs: number;
}

export type MoveVerdict =
  | { readonly kind: "moved"; readonly to: string; readonly workloadCount: number }
  | { readonly kind: "fault"; readonly message: string; readonly hint?: string };

type Labels = Readonly<Record<string, string>>;

/** What the namespace's labels were, as JSON. */
export const MOVED_FROM = "meltemi.dev/moved-from";
const INJECTION_LABEL = "istio-injection";
const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";

export async function moveNamespace(access: ClusterAccess, options: MoveOptions): Promise<MoveVerdict> {
  const { namespace } = options;
  const live = await getObject(access.client, namespaceResource, { name: namespace });
  if (live === undefined) return fault(`there is no namespace "${namespace}"`);
  const { annotations = {}, labels = {} } = live.metadata;
  const movedFrom = annotations[MOVED_FROM];
  if (options.to === undefined && movedFrom === undefined)
    return fault("it wasn't moved, so there is no back");
  const wanted = options.to === undefined ? (JSON.parse(movedFrom ?? "{}") as Labels) : labelsFor(options.to);
  const to = wantedRevision(wanted) ?? "no mesh";
  const obstacle = await obstacleOf(access, {
    namespace,
    from: wantedRevision(labels),
    to: wantedRevision(wanted),
  });
  if (obstacle !== undefined) return obstacle;
  const former = { ...injectionLabels(labels) };
  await patch(
    access,
    { resource: namespaceResource, name: namespace },
    {
      metadata: {
        labels: {
          [INJECTION_LABEL]: wanted[INJECTION_LABEL] ?? null,
          [REVISION_LABEL]: wanted[REVISION_LABEL] ?? null,
        },
        annotations: {
          [MOVED_FROM]: options.to === undefined ? null : (movedFrom ?? JSON.stringify(former)),
        },
      },
    },
  );
  access.onProgress(`namespace ${namespace}: new pods are of ${to}`);
  return rollOver(access, { ...options, to });
}

function labelsFor(revision: string): Labels {
  return revision === "default" ? { [INJECTION_LABEL]: "enabled" } : { [REVISION_LABEL]: revision };
}

function injectionLabels(labels: Labels): Labels {
  return Object.fromEntries(
    [INJECTION_LABEL, REVISION_LABEL].flatMap((name) =>
      labels[name] === undefined ? [] : [[name, labels[name]]],
    ),
  );
}

interface Move {
  readonly namespace: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

async function obstacleOf(
  access: ClusterAccess,
  { from, namespace, to }: Move,
): Promise<MoveVerdict | undefined> {
  if (to === undefined) return undefined;
  const injectors = (await listObjects(access, injectorResource)) as readonly InjectorConfiguration[];
  const target = injectors.find((each) => injectsRevision(each, to));
  if (target === undefined)
    return fault(
      `nobody injects the pods of revision "${to}"`,
      "meltemi install --revision, meltemi tag set",
    );
  const roots = rootsOf(target);
  const mounted = await getObject(access.client, configMapResource, {
    namespace,
    name: ROOT_CERTIFICATE_CONFIG_MAP,
  });
  const current = from === undefined ? undefined : injectors.find((each) => injectsRevision(each, from));
  const differing = [
    ...(current === undefined || meet(rootsOf(current), roots) ? [] : [`the control plane of "${from}"`]),
    ...(mounted === undefined || meet(certificatesIn(mountedRoots(mounted)), roots)
      ? []
      : [`ConfigMap ${ROOT_CERTIFICATE_CONFIG_MAP}, which its pods mount,`]),
  ];
  if (differing.length === 0) return undefined;
  const message = `roots differ: ${differing.join(" and ")} has another root certificate than the control plane of "${to}", so pods of both would not trust each other`;
  return fault(message, "give both meshes one CA first: docs/guides/move-from-istio.md");
}

function mountedRoots(configMap: KubernetesObject): string {
  const { data } = configMap as { readonly data?: Readonly<Record<string, string>> };
  return data?.["root-cert.pem"] ?? "";
}

/** Control planes sign the certificates of their own webhooks, so these name the mesh's roots. */
function rootsOf({ webhooks = [] }: InjectorConfiguration): ReadonlySet<string> {
  const bundles = webhooks.map(({ clientConfig }) => clientConfig?.caBundle ?? "");
  return certificatesIn(bundles.map((bundle) => Buffer.from(bundle, "base64").toString()).join("\n"));
}

function certificatesIn(pem: string): ReadonlySet<string> {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return new Set(blocks.map((block) => block.replaceAll(/\s/g, "")));
}

function meet(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return [...some].some((each) => others.has(each));
}

interface Workload extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: object;
    readonly updateStrategy?: { readonly type?: string };
    readonly template?: { readonly metadata?: { readonly labels?: Labels } };
  };
}

async function rollOver(
  access: ClusterAccess,
  { namespace, timeoutMs, to }: MoveOptions & { readonly to: string },
): Promise<MoveVerdict> {
  let workloadCount = 0;
  const former = await podsOf(access, namespace);
  for (const resource of [deploymentResource, statefulSetResource, daemonSetResource]) {
    const found = (await listObjects(access, resource)) as readonly Workload[];
    for (const { metadata, spec } of found.filter((each) => each.metadata.namespace === namespace)) {
      const { name } = metadata;
      const title = `${resource.kind} ${name}`;
      if (spec.template?.metadata?.labels?.[REVISION_LABEL] !== undefined) {
        access.onProgress(`${title}: its pods have the label ${REVISION_LABEL} themselves, and stay`);
        continue;
      }
      // Its pods are told of below: nobody replaces them but those who delete them.
      if (spec.updateStrategy?.type === "OnDelete") continue;
      const restartedAt = new Date(access.clock.now()).toISOString();
      const template = { metadata: { annotations: { [RESTARTED_AT]: restartedAt } } };
      await patch(access, { resource, name, namespace }, { spec: { template } });
      const object = { apiVersion: resource.apiVersion, kind: resource.kind, metadata, spec };
      const deadlineMs = access.clock.now() + timeoutMs;
      const [lack] = await untilInForce(access, [object as InstallObject], deadlineMs);
      if (lack !== undefined) return fault(`${lack}`, `meltemi move ${namespace} --back undoes it`);
      workloadCount++;
      access.onProgress(`${title}: moved`);
    }
  }
  await tellWhoStays(access, namespace, former);
  return { kind: "moved", to, workloadCount };
}

interface Pod extends KubernetesObject {
  readonly status?: { readonly phase?: string };
}

/** Those that the namespace decides about, and that go on. */
async function podsOf(access: ClusterAccess, namespace: string): Promise<readonly Pod[]> {
  const pods = (await listObjects(access, podResource)) as readonly Pod[];
  return pods.filter(
    ({ metadata, status }) =>
      metadata.namespace === namespace &&
      metadata.deletionTimestamp === undefined &&
      metadata.labels?.[REVISION_LABEL] === undefined &&
      !["Succeeded", "Failed"].includes(status?.phase ?? ""),
  );
}

/** Pods that were there before and still are, by who controls them: nothing that was rolled over replaces these. */
async function tellWhoStays(access: ClusterAccess, namespace: string, former: readonly Pod[]): Promise<void> {
  const formerUids = new Set(former.map(({ metadata }) => metadata.uid));
  const staying = (await podsOf(access, namespace)).filter(({ metadata }) => formerUids.has(metadata.uid));
  const sentences = staying.map(({ metadata }) => {
    const owner = controllingWorkload(metadata);
    if (owner === undefined)
      return `Pod ${metadata.name}: it was made by hand, and keeps the sidecar that it has until it is made anew`;
    const until = owner.kind === "Job" ? "end" : "are deleted";
    return `${owner.kind} ${owner.name}: its pods keep the sidecar that they have until they ${until}`;
  });
  for (const sentence of new Set(sentences)) access.onProgress(sentence);
}

interface PatchTarget {
  readonly resource: ApiResource;
  readonly name: string;
  readonly namespace?: string;
}

async function patch(
  { client }: ClusterAccess,
  { resource, ...name }: PatchTarget,
  body: object,
): Promise<void> {
  const contentType = "application/merge-patch+json";
  await client.request({ method: "PATCH", path: resourcePath(resource, name), body, contentType });
}

function fault(message: string, hint?: string): MoveVerdict {
  return { kind: "fault", message, ...(hint === undefined ? {} : { hint }) };
}
