// The example's YAML holds together: valid by the kinds' schemas, nothing dangling, a command for every image.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { parseObject } from "../../src/kinds/parse-object.ts";

const folder = new URL(".", import.meta.url);
const tasks = readdirSync(new URL("tasks", folder));
const manifests = read("manifests");
const images: Readonly<Record<string, unknown>> = parse(text("manifests/images.yaml"));

function text(path: string): string {
  return readFileSync(new URL(path, folder), "utf8");
}

function yamlFiles(path: string): string[] {
  const others = ["images.yaml", "kustomization.yaml"];
  // A task may be in force just now.
  return readdirSync(new URL(path, folder)).filter(
    (name) => name.endsWith(".yaml") && !others.includes(name) && !name.startsWith("task-"),
  );
}

function read(path: string): KubernetesObject[] {
  return yamlFiles(path).flatMap((name) =>
    parseAllDocuments(text(`${path}/${name}`)).map((document): KubernetesObject => document.toJS()),
  );
}

/** Every value under a key of that name, however deep. */
function* valuesOf(key: string, value: unknown): Iterable<unknown> {
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === key) yield inner;
    yield* valuesOf(key, inner);
  }
}

function namesOf(kind: string, objects: readonly KubernetesObject[]): string[] {
  return objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);
}

for (const path of ["manifests", ...tasks.map((task) => `tasks/${task}`)]) {
  test(`bookshop ${path} is valid and routes to services that exist`, () => {
    const objects = read(path);
    assert.ok(objects.length > 0);
    for (const object of objects) {
      assert.deepEqual(parseObject(object).findings, [], `${object.kind} ${object.metadata.name}`);
    }
    const services = namesOf("Service", manifests);
    const destinations = [...valuesOf("destination", objects)] as { host: string; subset?: string }[];
    for (const { host, subset } of destinations) {
      assert.ok(services.includes(host), `"${host}" is a Service`);
      assert.ok(subset === undefined || ["v1", "v2", "v3"].includes(subset), `"${subset}" is a subset`);
    }
  });
}

test("bookshop images.yaml has a command for every image that needs one", () => {
  const containers = [...valuesOf("containers", manifests)].flat() as { image: string; command?: unknown }[];
  const needed = containers.filter(({ image, command }) => command === undefined && image !== "auto");
  const names = new Set(needed.map(({ image }) => image.replace(/:[^:]*$/, "")));
  assert.deepEqual([...names].sort(), Object.keys(images).sort());
});

test("bookshop kustomization.yaml lists every manifest", () => {
  const { resources } = parse(text("manifests/kustomization.yaml"));
  assert.deepEqual(resources, yamlFiles("manifests").sort());
});

test("bookshop README.md shows every task", () => {
  const readme = text("README.md");
  for (const task of tasks) assert.ok(readme.includes(`task ${task}`), task);
});
