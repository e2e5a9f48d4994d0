import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commitObjects, meshFixture } from "../../tests/support/mesh-fixture.ts";

describe("model.secretReaders", () => {
  test("without RBAC objects have gateways' own ServiceAccounts alone", () => {
    assert.deepEqual(readersOf(), {
      "infra/edge": "allowed",
      "infra/other": "denied",
      "shop/edge": "denied",
    });
  });

  test("follow bindings that concern the account, and then nothing else", () => {
    const role = rules("Role", "read", SECRETS);
    const bound = binding(
      "RoleBinding",
      "infra",
      "Role/read",
      "{ kind: ServiceAccount, name: other, namespace: infra }",
    );
    assert.deepEqual(readersOf(role, bound), {
      ...DEFAULT,
      "infra/edge": "denied",
      "infra/other": "allowed",
    });
    const empty = binding(
      "RoleBinding",
      "infra",
      "Role/none",
      "{ kind: ServiceAccount, name: edge, namespace: infra }",
    );
    assert.deepEqual(readersOf(empty), { ...DEFAULT, "infra/edge": "denied" });
  });

  test("are what a role allows for all Secrets of the namespace", () => {
    const allowed = (written: string) => {
      const subject = "{ kind: ServiceAccount, name: other, namespace: infra }";
      const found = readersOf(
        rules("Role", "r", written),
        binding("RoleBinding", "infra", "Role/r", subject),
      );
      return found["infra/other"];
    };
    assert.equal(allowed('{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }'), "allowed");
    assert.equal(allowed("{ apiGroups: [''], resources: [secrets], verbs: [get, watch] }"), "denied");
    assert.equal(allowed("{ apiGroups: [apps], resources: [secrets], verbs: [list] }"), "denied");
    assert.equal(allowed("{ apiGroups: [''], resources: [configmaps], verbs: [list] }"), "denied");
    assert.equal(
      allowed("{ apiGroups: [''], resources: [secrets], resourceNames: [web], verbs: [list] }"),
      "denied",
    );
    assert.equal(
      allowed(
        "{ apiGroups: [''], resources: [pods], verbs: [list] }, { apiGroups: [''], resources: [secrets], verbs: [list] }",
      ),
      "allowed",
    );
  });

  test("are found by Kubernetes' names of users and groups, never by another namespace's", () => {
    const other = (subject: string, kind = "RoleBinding", namespace = "infra") =>
      readersOf(rules("ClusterRole", "read", SECRETS), binding(kind, namespace, "ClusterRole/read", subject))[
        "infra/other"
      ];
    assert.equal(other("{ kind: User, name: 'system:serviceaccount:infra:other' }"), "allowed");
    assert.equal(other("{ kind: Group, name: 'system:serviceaccounts:infra' }"), "allowed");
    assert.equal(other("{ kind: Group, name: 'system:serviceaccounts' }"), "allowed");
    assert.equal(other("{ kind: Group, name: 'system:serviceaccounts:shop' }"), "denied");
    assert.equal(other("{ kind: ServiceAccount, name: other, namespace: shop }"), "denied");
    // As Kubernetes' authorizer does it: an account without a namespace is of the binding's own.
    assert.equal(other("{ kind: ServiceAccount, name: other }"), "allowed");
    assert.equal(other("{ kind: ServiceAccount, name: other }", "RoleBinding", "shop"), "denied");
    assert.equal(other("{ kind: User, name: other }"), "denied");
    const own = "{ kind: ServiceAccount, name: other, namespace: infra }";
    assert.equal(other(own, "RoleBinding", "shop"), "denied", "a binding of another namespace");
    assert.equal(other(own, "ClusterRoleBinding", ""), "allowed");
  });

  test("know the ClusterRoles that every cluster has, and aggregated ones", () => {
    const subject = "{ kind: ServiceAccount, name: other, namespace: infra }";
    const by = (name: string, ...more: readonly string[]) =>
      readersOf(...more, binding("RoleBinding", "infra", `ClusterRole/${name}`, subject))["infra/other"];
    assert.equal(by("edit"), "allowed");
    assert.equal(by("view"), "denied");
    assert.equal(by("edit", rules("ClusterRole", "edit", "")), "denied", "the manifests' own comes first");
    const part = rules("ClusterRole", "part", SECRETS).replace(
      "name: part",
      "name: part, labels: { to: whole }",
    );
    const whole = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: whole }
aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: whole } }] }
`;
    assert.equal(by("whole", whole, part), "allowed");
    assert.equal(by("whole", whole), "denied");
  });

  test("get nothing from a ClusterRoleBinding that names a Role, should one get past its kind's rules", () => {
    const mesh = meshFixture();
    mesh.put([pod("infra", "other", "sidecar"), rules("Role", "read", SECRETS)].join("---"));
    const roleRef = { kind: "Role", name: "read" };
    const subjects = [{ kind: "ServiceAccount", name: "other", namespace: "infra" }];
    const bound = {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      roleRef,
      subjects,
    };
    commitObjects(mesh.graph, mesh.sources, [{ ...bound, metadata: { name: "bound" } }]);
    assert.equal(mesh.model.secretReaders.get("infra/other"), "denied");
  });
});

const SECRETS = '{ apiGroups: [""], resources: [secrets], verbs: [get, list, watch] }';
const DEFAULT = { "infra/edge": "allowed", "infra/other": "denied", "shop/edge": "denied" };

/** Of a gateway in `infra`, and of two pods that are none. */
function readersOf(...documents: readonly string[]): Readonly<Record<string, string>> {
  const mesh = meshFixture();
  const pods = [
    pod("infra", "edge", "router"),
    pod("infra", "other", "sidecar"),
    pod("shop", "edge", "sidecar"),
  ];
  mesh.put([...pods, ...documents].join("---"));
  return Object.fromEntries([...mesh.model.secretReaders.entries()].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function pod(namespace: string, account: string, role: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${account}-1, namespace: ${namespace} }
spec:
  serviceAccountName: ${account}
  containers: [{ name: istio-proxy, image: auto, args: [proxy, ${role}] }]
`;
}

function rules(kind: string, name: string, written: string): string {
  return `
apiVersion: rbac.authorization.k8s.io/v1
kind: ${kind}
metadata: { name: ${name}${kind === "Role" ? ", namespace: infra" : ""} }
rules: [${written}]
`;
}

function binding(kind: string, namespace: string, role: string, subject: string): string {
  const [roleKind, name] = role.split("/");
  return `
apiVersion: rbac.authorization.k8s.io/v1
kind: ${kind}
metadata: { name: bound${namespace === "" ? "" : `, namespace: ${namespace}`} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ${roleKind}, name: ${name} }
subjects: [${subject}]
`;
}
