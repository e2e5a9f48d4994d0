// Policies that are right as they are draw no warning about whom they shut out, which paths or namespaces they name or whom
// they ask: those of Istio's security tasks, with their workloads, and those of its translation cases.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { parseObject } from "../../src/kinds/parse-object.ts";
import { declareProblems } from "../../src/model/problems/problems.ts";
import { commitObjects, meshFixture } from "../support/mesh-fixture.ts";
import { caseDirectory, skipWithout } from "./case-directory.ts";

const examples = new URL("../../examples/security/", import.meta.url);
const CODES = ["MLT2027", "MLT2043", "MLT2038", "MLT2039", "MLT2040", "MLT2041", "MLT2042"];

interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly template: { readonly metadata?: { readonly labels?: object }; readonly spec: object };
  };
}

/** The pods that it makes, with their proxies. */
function podOf(object: KubernetesObject): KubernetesObject {
  const { metadata, spec } = object as Deployment;
  const { template } = spec;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace ?? "default",
      labels: { ...template.metadata?.labels, "security.istio.io/tlsMode": "istio" },
    },
    spec: template.spec,
    status: { podIP: "10.0.0.1", phase: "Running" },
  };
}

function objectsIn(folder: URL): readonly KubernetesObject[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return files.flatMap((name) => objectsOf(readFileSync(new URL(name, folder), "utf8")));
}

function objectsOf(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const { object } = parseObject(document.toJS());
    if (object === undefined) return [];
    return object.kind === "Deployment" ? [object, podOf(object)] : [object];
  });
}

function warningsOf(objects: readonly KubernetesObject[]): readonly string[] {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  put("apiVersion: meltemi.dev/v1\nkind: MeshConfig\nmetadata: { name: mesh }\n");
  commitObjects(graph, sources, objects);
  const found = [
    ...[...problems.entries()].flatMap(([, each]) => each),
    ...objects.flatMap((object) => parseObject(object).findings),
  ];
  return found.flatMap(({ code = "", message }) => (CODES.includes(code) ? [`${code} ${message}`] : []));
}

const folders = readdirSync(examples, { withFileTypes: true }).filter(
  (entry) => entry.isDirectory() && !["apps", "manifests", "programs"].includes(entry.name),
);
const apps = readdirSync(new URL("apps/", examples)).flatMap((name) =>
  objectsIn(new URL(`apps/${name}/`, examples)),
);

// They show what becomes of HTTP's fields on a port that isn't HTTP.
const asksTooMuch = ["tcp/2-allow-get", "tcp/3-deny-get"];

test("the security tasks have workloads", () =>
  assert.ok(apps.filter(({ kind }) => kind === "Pod").length > 2, apps.map(({ kind }) => kind).join()));
for (const { name } of folders) {
  for (const step of readdirSync(new URL(`${name}/`, examples), { withFileTypes: true })) {
    if (!step.isDirectory()) continue;
    test(`task ${name}/${step.name} draws no warning that it doesn't mean to`, () => {
      const objects = objectsIn(new URL(`${name}/${step.name}/`, examples));
      assert.ok(objects.length > 0);
      const codes = warningsOf([...apps, ...objects]).map((warning) => warning.split(" ")[0]);
      assert.deepEqual(codes, asksTooMuch.includes(`${name}/${step.name}`) ? ["MLT2027"] : []);
    });
  }
}

const cases = caseDirectory("authz");
for (const file of cases === undefined ? [] : readdirSync(cases).filter((name) => name.endsWith(".json"))) {
  test(`authz case ${file} draws no warning`, { skip: skipWithout(cases) }, () => {
    const { policies } = JSON.parse(readFileSync(`${cases}/${file}`, "utf8")) as {
      readonly policies: string;
    };
    assert.deepEqual(warningsOf(objectsOf(policies)), []);
  });
}
