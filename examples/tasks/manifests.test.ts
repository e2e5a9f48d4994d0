// The tasks' YAML holds together: valid by the kinds' schemas, an object always in the file of the same name, a command
// for every image, and a line of README.md for every step.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { parseObject } from "../../src/kinds/parse-object.ts";

interface Manifest {
  readonly folder: string;
  readonly file: string;
  readonly objects: readonly KubernetesObject[];
}

const here = new URL(".", import.meta.url);
const manifests = readManifests();
const folders = [...new Set(manifests.map(({ folder }) => folder))];

function text(path: string): string {
  return readFileSync(new URL(path, here), "utf8");
}

/** All that can be applied: a folder's folder, or the platform. */
function readManifests(): readonly Manifest[] {
  const paths = readdirSync(here, { recursive: true, encoding: "utf8" });
  return paths.flatMap((path) => {
    const [, folder = "", file = ""] = /^(.*)\/([^/]+\.yaml)$/.exec(path) ?? [];
    if (file === "" || folder === "manifests" || folder.startsWith("secrets/")) return [];
    const objects = parseAllDocuments(text(path)).map((document): KubernetesObject => document.toJS());
    return [{ folder, file, objects }];
  });
}

function nameOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.namespace ?? "default"}/${metadata.name}`;
}

for (const folder of folders) {
  test(`tasks ${folder} is valid`, () => {
    for (const { objects } of manifests.filter((manifest) => manifest.folder === folder)) {
      assert.ok(objects.length > 0);
      for (const object of objects) assert.deepEqual(parseObject(object).findings, [], nameOf(object));
    }
  });
}

test("tasks hold an object in files of one name, so that applying a step replaces it", () => {
  const files = new Map<string, string>();
  for (const { file, objects } of manifests) {
    for (const object of objects) {
      const known = files.get(nameOf(object)) ?? file;
      assert.equal(file, known, nameOf(object));
      files.set(nameOf(object), file);
    }
  }
});

test("tasks have namespaces in the first file of a folder, as kubectl applies files by name", () => {
  for (const folder of folders) {
    const [first, ...others] = manifests
      .filter((manifest) => manifest.folder === folder)
      .toSorted((one, other) => (one.file < other.file ? -1 : 1));
    const late = others.flatMap(({ objects }) => objects).filter(({ kind }) => kind === "Namespace");
    assert.deepEqual(late, [], `${folder}/${first?.file} has none`);
  }
});

test("tasks manifests/images.yaml has a command for every image that needs one", () => {
  const images = parse(text("manifests/images.yaml"));
  const needed = manifests.flatMap(({ objects }) => objects.flatMap(imagesOf));
  assert.deepEqual([...new Set(needed)].sort(), Object.keys(images).sort());
});

/** Without tags; of containers without a command. */
function imagesOf({ spec }: KubernetesObject): readonly string[] {
  const template = (spec as { template?: { spec: { containers: Container[] } } } | undefined)?.template;
  const containers = template?.spec.containers ?? [];
  const needing = containers.filter(({ image, command }) => command === undefined && image !== "auto");
  return needing.map(({ image }) => image.replace(/:[^:/]*$/, ""));
}

interface Container {
  readonly image: string;
  readonly command?: readonly string[];
}

test("tasks README.md applies every folder", () => {
  const applied = [...text("README.md").matchAll(/^(?:examples\/tasks\/)?apply (.*?)(?: *#.*)?$/gm)];
  const named = applied.flatMap(([, line = ""]) => line.split(/ +/));
  const words = new Set(named.filter((word) => !word.startsWith("secrets/")));
  assert.deepEqual([...words].sort(), [...folders].sort());
});
