import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isError, parseObject } from "../parse-object.ts";

const GROUP = "rbac.authorization.k8s.io";
const role = { apiGroup: GROUP, kind: "ClusterRole", name: "read" };
const account = { kind: "ServiceAccount", name: "edge", namespace: "infra" };

for (const kind of ["RoleBinding", "ClusterRoleBinding"]) {
  describe(`parseObject() of a ${kind}`, () => {
    const errorsOf = (fields: object) => {
      const namespace = kind === "RoleBinding" ? { namespace: "infra" } : {};
      const metadata = { name: "own", ...namespace };
      const { findings } = parseObject({
        apiVersion: `${GROUP}/v1`,
        kind,
        metadata,
        roleRef: role,
        ...fields,
      });
      return findings.filter(isError).map(({ path, message }) => `${path}: ${message}`);
    };
    const ofSubject = (subject: object) => errorsOf({ subjects: [account, subject] });

    test("takes what the API server takes, with groups left out too", () => {
      assert.deepEqual(ofSubject({ kind: "User", name: "a", apiGroup: GROUP }), []);
      assert.deepEqual(ofSubject({ kind: "Group", name: "a" }), []);
      assert.deepEqual(ofSubject({ ...account, apiGroup: "" }), []);
      assert.deepEqual(errorsOf({ roleRef: { kind: "ClusterRole", name: "read" } }), []);
    });

    test("refuses other kinds and groups than RBAC's", () => {
      assert.deepEqual(ofSubject({ kind: "Robot", name: "a" }), [
        'subjects[1].kind: "Robot" isn\'t allowed there, wanted "ServiceAccount" or "User" or "Group"',
      ]);
      assert.deepEqual(ofSubject({ kind: "User", name: "a", apiGroup: "apps" }), [
        `subjects[1].apiGroup: "apps" isn't allowed there, wanted "${GROUP}"`,
      ]);
      assert.deepEqual(ofSubject({ ...account, apiGroup: GROUP }), [
        `subjects[1].apiGroup: "${GROUP}" isn't allowed there, wanted nothing`,
      ]);
      assert.deepEqual(errorsOf({ roleRef: { ...role, apiGroup: "apps" } }), [
        `roleRef.apiGroup: "apps" isn't allowed there, wanted "${GROUP}"`,
      ]);
      const kinds = kind === "RoleBinding" ? '"Role" or "ClusterRole"' : '"ClusterRole"';
      assert.deepEqual(errorsOf({ roleRef: { ...role, kind: "Robot" } }), [
        `roleRef.kind: "Robot" isn't allowed there, wanted ${kinds}`,
      ]);
    });

    test("refuses a Role, or an account without a namespace, where there is no namespace to find it in", () => {
      const isNamespaced = kind === "RoleBinding";
      assert.deepEqual(
        errorsOf({ roleRef: { ...role, kind: "Role" } }),
        isNamespaced ? [] : [`roleRef.kind: "Role" isn't allowed there, wanted "ClusterRole"`],
      );
      assert.deepEqual(
        ofSubject({ kind: "ServiceAccount", name: "edge" }),
        isNamespaced
          ? []
          : ["subjects[1].namespace: a ServiceAccount needs its namespace in a ClusterRoleBinding"],
      );
    });
  });
}
