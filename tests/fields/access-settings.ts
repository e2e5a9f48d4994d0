// Where the fields of RBAC's kinds matter: by them a gateway may read the Secret that its certificate is in.

import { each, type FieldSetting, type KindSettings, yaml } from "./field-settings.ts";

const API_VERSION = "rbac.authorization.k8s.io/v1";

const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: own, namespace: edge }
spec: { selector: { app: edge }, servers: [{ port: { number: 8080, name: https, protocol: HTTPS }, hosts: [a.example.com], tls: { mode: SIMPLE, credentialName: some } }] }
`;

/** The scene's own binding gives nothing, so that the ones toggled say it all. */
const NOTHING = `${GATEWAY}---
apiVersion: ${API_VERSION}
kind: Role
metadata: { name: reader, namespace: edge }
rules: []
`;

const EVERYWHERE = `${NOTHING}---
apiVersion: ${API_VERSION}
kind: ClusterRoleBinding
metadata: { name: own }
roleRef: { kind: ClusterRole, name: own }
subjects: [{ kind: ServiceAccount, name: edge, namespace: edge }]
`;

/** `namespace` is a Role's. */
function readerRole(name: string, namespace?: string): string {
  return `---
apiVersion: ${API_VERSION}
kind: ${namespace === undefined ? "ClusterRole" : "Role"}
metadata: { name: ${name}, labels: { part: some }${namespace === undefined ? "" : `, namespace: ${namespace}`} }
rules: [{ apiGroups: [""], resources: [secrets], verbs: [list] }]
`;
}

function rule(more: string): unknown {
  return yaml(`{ rules: [{ apiGroups: [""], resources: [secrets], verbs: [list], ${more} }] }`);
}

const ofRules = (beside: string): readonly FieldSetting[] => [
  { fields: /verbs/, values: [["list"], ["get"]], beside },
  { fields: /apiGroups/, values: [[""], ["apps"]], beside },
  { fields: /resources$/, values: [["secrets"], ["pods"]], beside },
  { fields: /resourceNames/, values: [[], ["some"]], beside },
];

export const roleSettings: KindSettings = {
  kind: "Role",
  apiVersion: API_VERSION,
  metadata: { name: "reader", namespace: "edge" },
  isFlat: true,
  spec: rule(""),
  settings: ofRules(GATEWAY),
};

function gathers(selector: string): unknown {
  return yaml(`{ aggregationRule: { clusterRoleSelectors: [{ ${selector} }] } }`);
}

const PARTS = EVERYWHERE + readerRole("part");

export const clusterRoleSettings: KindSettings = {
  kind: "ClusterRole",
  apiVersion: API_VERSION,
  metadata: { name: "own" },
  isFlat: true,
  spec: rule(""),
  settings: [
    ...ofRules(EVERYWHERE),
    { fields: /matchLabels/, spec: gathers("matchLabels: { part: a }"), beside: PARTS },
    {
      fields: /matchExpressions\[\]\.key/,
      spec: gathers("matchExpressions: [{ operator: Exists }]"),
      values: ["part", "other"],
      beside: PARTS,
    },
    {
      fields: /matchExpressions\[\]\.operator/,
      spec: gathers("matchExpressions: [{ key: part, values: [some] }]"),
      values: ["In", "NotIn"],
      beside: PARTS,
    },
    {
      fields: /matchExpressions\[\]\.values/,
      spec: gathers("matchExpressions: [{ key: part, operator: In }]"),
      beside: PARTS,
    },
  ],
};

interface Bound {
  readonly role?: string;
  readonly subject?: string;
}

const ACCOUNT = "kind: ServiceAccount, name: edge, namespace: edge";
const USER = "system:serviceaccount:edge:edge";

function bindingSettings(kind: string, ownRole: string): Pick<KindSettings, "isFlat" | "spec" | "settings"> {
  const beside = `${NOTHING}${readerRole("own")}${readerRole("own", "edge")}`;
  const bound = ({ role = `kind: ${ownRole}, name: own`, subject = ACCOUNT }: Bound) =>
    yaml(`{ roleRef: { ${role} }, subjects: [{ ${subject} }] }`);
  const isRoles = kind === "RoleBinding";
  return {
    isFlat: true,
    spec: bound({}),
    settings: [
      isRoles
        ? {
            fields: /roleRef\.kind/,
            values: ["Role", "ClusterRole"],
            beside: NOTHING + readerRole("own", "edge"),
          }
        : { fields: /roleRef\.kind/, refused: ["Role"] },
      { fields: /roleRef\.name/, values: ["own", "other"], beside },
      { fields: /apiGroup/, refused: ["apps"] },
      {
        fields: /subjects\[\]\.kind/,
        specs: each(["User", "Group"], (named) => bound({ subject: `kind: ${named}, name: "${USER}"` })),
        beside,
      },
      { fields: /subjects\[\]\.name$/, values: ["edge", "other"], beside },
      { fields: /subjects\[\]\.namespace/, values: ["edge", "other"], beside },
    ],
  };
}

export const roleBindingSettings: KindSettings = {
  kind: "RoleBinding",
  apiVersion: API_VERSION,
  metadata: { name: "own", namespace: "edge" },
  ...bindingSettings("RoleBinding", "Role"),
};

export const clusterRoleBindingSettings: KindSettings = {
  kind: "ClusterRoleBinding",
  apiVersion: API_VERSION,
  metadata: { name: "own" },
  ...bindingSettings("ClusterRoleBinding", "ClusterRole"),
};
