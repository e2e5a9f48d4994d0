// What the API server asks the control plane: to put a sidecar into a pod, and whether an object of ours is right.
// No certificate is here: the control plane writes its own into them, and an upgrade leaves it alone.

import { kinds } from "../kinds/all-kinds.ts";
import type { InstallMetadata, InstallObject } from "./install-object.ts";
import { CNI_NAMESPACE } from "./install-settings.ts";
import type { Installation } from "./object-names.ts";
import {
  controlPlaneName,
  injectorName,
  ownMetadata,
  REVISION_LABEL,
  TAG_LABEL,
  validatorName,
} from "./object-names.ts";

export function webhookConfigurations(installation: Installation): InstallObject[] {
  const { revision } = installation;
  return [
    injector(installation, { metadata: ownMetadata(installation, injectorName(installation)), revision }),
    validator(installation, { metadata: ownMetadata(installation, validatorName(installation)), revision }),
  ];
}

/** A tag's: they ask the control plane of the revision that it points to. */
export function tagConfigurations(installation: Installation, metadata: InstallMetadata): InstallObject[] {
  const revision = metadata.labels?.[TAG_LABEL] ?? "";
  return [injector(installation, { metadata, revision }), validator(installation, { metadata, revision })];
}

/** The injector of the revision `default` while a tag of that name stands in for it: it is never asked. */
export function restingInjector(installation: Installation): InstallObject {
  const metadata = ownMetadata(installation, injectorName(installation));
  const { webhooks, ...rest } = injector(installation, { metadata, revision: installation.revision });
  const nowhere = { matchLabels: { "istio.io/deactivated": "never-match" } };
  const resting = (webhooks as readonly object[]).map((webhook) => ({
    ...webhook,
    namespaceSelector: nowhere,
    objectSelector: nowhere,
  }));
  return { ...rest, webhooks: resting };
}

/** `revision` is the name that labels say: a revision's own, or a tag. */
interface Answering {
  readonly metadata: InstallMetadata;
  readonly revision: string;
}

interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

const INJECT = "sidecar.istio.io/inject";
const NAMESPACE_INJECTION = "istio-injection";

const isOneOf = (key: string, ...values: readonly string[]): Requirement => ({ key, operator: "In", values });
const isNoneOf = (key: string, ...values: readonly string[]): Requirement => ({
  key,
  operator: "NotIn",
  values,
});
const isAbsent = (key: string): Requirement => ({ key, operator: "DoesNotExist" });

/** By it istioctl finds who injects pods. */
const injectorLabels: Readonly<Record<string, string>> = { app: "sidecar-injector" };

function injector(installation: Installation, { metadata, revision }: Answering): InstallObject {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { ...metadata, labels: { ...metadata.labels, ...injectorLabels } },
    webhooks: injectionTriggers(revision).map(({ name, namespaceIs, podIs }) => ({
      name: `${name}.sidecar-injector.istio.io`,
      ...asked(installation, "/inject"),
      // A pod that starts without its sidecar speaks and answers without the mesh's policies, so it had better wait.
      // That can't lock a cluster out: only pods that ask for a sidecar are concerned, and never those below.
      failurePolicy: "Fail",
      namespaceSelector: { matchExpressions: [...namespaceIs, outsideOf(installation)] },
      objectSelector: { matchExpressions: podIs },
      reinvocationPolicy: "Never",
      rules: [
        { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "*" },
      ],
    })),
  };
}

/** What a cluster needs to recover must start without the control plane. */
function outsideOf({ namespace }: Installation): Requirement {
  const system = ["kube-system", "kube-public", "kube-node-lease"];
  return isNoneOf("kubernetes.io/metadata.name", ...system, namespace, CNI_NAMESPACE);
}

interface Trigger {
  readonly name: string;
  readonly namespaceIs: readonly Requirement[];
  readonly podIs: readonly Requirement[];
}

// Each pod meets at most one. A namespace with `istio-injection` belongs to the revision `default`.
function injectionTriggers(revision: string): Trigger[] {
  const byRevision: Trigger[] = [
    {
      name: "rev.namespace",
      namespaceIs: [isOneOf(REVISION_LABEL, revision), isAbsent(NAMESPACE_INJECTION)],
      podIs: [isNoneOf(INJECT, "false")],
    },
    {
      name: "rev.object",
      namespaceIs: [isAbsent(REVISION_LABEL), isAbsent(NAMESPACE_INJECTION)],
      podIs: [isNoneOf(INJECT, "false"), isOneOf(REVISION_LABEL, revision)],
    },
  ];
  if (revision !== "default") return byRevision;
  return [
    ...byRevision,
    {
      name: "namespace",
      namespaceIs: [isOneOf(NAMESPACE_INJECTION, "enabled")],
      podIs: [isNoneOf(INJECT, "false")],
    },
    {
      name: "object",
      namespaceIs: [isAbsent(NAMESPACE_INJECTION), isAbsent(REVISION_LABEL)],
      podIs: [isOneOf(INJECT, "true"), isAbsent(REVISION_LABEL)],
    },
  ];
}

function validator(installation: Installation, { metadata, revision }: Answering): InstallObject {
  const selectors = [
    { name: "rev", objectIs: isOneOf(REVISION_LABEL, revision) },
    ...(revision === "default" ? [{ name: "default", objectIs: isAbsent(REVISION_LABEL) }] : []),
  ];
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata,
    webhooks: selectors.map(({ name, objectIs }) => ({
      name: `${name}.validation.istio.io`,
      ...asked(installation, "/validate"),
      // Without the control plane its users must still be able to mend what they wrote. What gets in meanwhile has
      // passed the schema; the control plane leaves out what is wrong, and says so in the object's status.
      failurePolicy: "Ignore",
      objectSelector: { matchExpressions: [objectIs] },
      rules: validatedGroups().map(([group, resources]) => ({
        apiGroups: [group],
        apiVersions: ["*"],
        operations: ["CREATE", "UPDATE"],
        resources,
        scope: "Namespaced",
      })),
    })),
  };
}

function validatedGroups(): [string, string[]][] {
  const mesh = kinds.filter(({ group }) => group.endsWith(".istio.io"));
  const groups = [...new Set(mesh.map(({ group }) => group))];
  return groups.map((group) => [
    group,
    mesh.filter((kind) => kind.group === group).map(({ plural }) => plural),
  ]);
}

function asked(installation: Installation, path: string) {
  const service = {
    name: controlPlaneName(installation),
    namespace: installation.namespace,
    path,
    port: 443,
  };
  return {
    admissionReviewVersions: ["v1"],
    clientConfig: { service },
    matchPolicy: "Equivalent",
    sideEffects: "None",
    timeoutSeconds: 10,
  };
}
