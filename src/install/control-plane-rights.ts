// What the control plane may do: no more than it does. Reading comes from the list of kinds.

import { kinds } from "../kinds/all-kinds.ts";
import type { InstallObject } from "./install-object.ts";
import type { Installation } from "./object-names.ts";
import {
  controlPlaneBindingName,
  controlPlaneName,
  ISSUER_KEYS_CONFIG_MAP,
  injectorName,
  ownMetadata,
  ROOT_CERTIFICATE_CONFIG_MAP,
  validatorName,
} from "./object-names.ts";

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const RBAC = "rbac.authorization.k8s.io";

export function controlPlaneRights(installation: Installation): InstallObject[] {
  const name = controlPlaneName(installation);
  const bindingName = controlPlaneBindingName(installation);
  const { namespace } = installation;
  const account = { kind: "ServiceAccount", name, namespace };
  const cluster = { apiVersion: `${RBAC}/v1`, metadata: ownMetadata(installation, bindingName) };
  const own = { apiVersion: `${RBAC}/v1`, metadata: ownMetadata(installation, name, namespace) };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: ownMetadata(installation, name, namespace) },
    { ...cluster, kind: "ClusterRole", rules: clusterRules(installation) },
    {
      ...cluster,
      kind: "ClusterRoleBinding",
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: bindingName },
      subjects: [account],
    },
    { ...own, kind: "Role", rules: ownNamespaceRules(installation) },
    { ...own, kind: "RoleBinding", roleRef: { apiGroup: RBAC, kind: "Role", name }, subjects: [account] },
  ];
}

const follow = ["list", "watch"];

function clusterRules(installation: Installation): PolicyRule[] {
  const meshGroups = [...new Set(meshKinds().map(({ group }) => group))];
  return [
    {
      apiGroups: [""],
      resources: ["namespaces", "nodes", "serviceaccounts", "services", "pods"],
      verbs: follow,
    },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: follow },
    // Only those that a Gateway or a DestinationRule names are asked for, one by one; RBAC can't say so.
    { apiGroups: [""], resources: ["secrets"], verbs: follow },
    ...meshGroups.flatMap((group) => meshRules(group)),
    { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    // Whether a gateway's ServiceAccount may read the Secrets that it is to be served.
    { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
    // The root certificate in every namespace. A name can't be asked for when an object is made.
    { apiGroups: [""], resources: ["configmaps"], verbs: ["create"] },
    {
      apiGroups: [""],
      resources: ["configmaps"],
      verbs: ["list", "watch", "patch"],
      resourceNames: [ROOT_CERTIFICATE_CONFIG_MAP],
    },
    ...webhookRules(installation),
  ];
}

function meshKinds() {
  return kinds.filter(({ group }) => group.endsWith(".istio.io"));
}

function meshRules(group: string): PolicyRule[] {
  const resources = meshKinds()
    .filter((kind) => kind.group === group)
    .map(({ plural }) => plural);
  return [
    // Before a status is written, what stands there is looked at.
    { apiGroups: [group], resources, verbs: ["get", ...follow] },
    { apiGroups: [group], resources: resources.map((name) => `${name}/status`), verbs: ["patch"] },
  ];
}

function webhookRules(installation: Installation): PolicyRule[] {
  const apiGroups = ["admissionregistration.k8s.io"];
  const [mutating, validating] = [
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
  ] as const;
  return [
    // Its own, and who else injects pods: tags that point to this revision, and names that nobody answers for.
    { apiGroups, resources: [mutating, validating], verbs: follow },
    // To write the CA's certificate into them; all else of them is the installer's. The right to write into a tag's comes
    // with the tag.
    { apiGroups, resources: [mutating], verbs: ["patch"], resourceNames: [injectorName(installation)] },
    { apiGroups, resources: [validating], verbs: ["patch"], resourceNames: [validatorName(installation)] },
  ];
}

/** Secrets of the CA: one that an administrator plugs in, else one that the control plane makes. */
const authoritySecretNames: readonly string[] = ["cacerts", "meltemi-ca"];

function ownNamespaceRules({ suffix }: Installation): PolicyRule[] {
  // The mesh's configuration, and injection's.
  const names = ["meltemi", "istio", "meltemi-sidecar-injector", "istio-sidecar-injector"];
  const configNames = [...new Set([...names, ...names.map((name) => `${name}${suffix}`)])];
  return [
    { apiGroups: [""], resources: ["configmaps"], verbs: follow, resourceNames: configNames },
    {
      apiGroups: [""],
      resources: ["configmaps"],
      verbs: [...follow, "patch"],
      resourceNames: [`${ISSUER_KEYS_CONFIG_MAP}${suffix}`],
    },
    { apiGroups: [""], resources: ["secrets"], verbs: ["create"] },
    { apiGroups: [""], resources: ["secrets"], verbs: ["get"], resourceNames: authoritySecretNames },
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
    {
      apiGroups: ["coordination.k8s.io"],
      resources: ["leases"],
      verbs: ["get", "update"],
      resourceNames: [`meltemi-leader${suffix}`],
    },
  ];
}
