// What holds for the YAML of a folder of tasks: valid by the kinds' schemas, an object always in the file of the same name,
// a command for every image, and every step in a guide.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../src/kinds/define-kind.ts";
import { parseObject } from "../src/kinds/parse-object.ts";

export interface TaskFolders {
  /** Names the tests. */
  readonly name: string;
  readonly here: URL;
  /** Whose commands apply the steps. */
  readonly guides: readonly URL[];
}

interface Manifest {
  readonly folder: string;
  readonly file: string;
  readonly objects: readonly KubernetesObject[];
}

export function declareManifestTests({ name, here, guides }: TaskFolders): void {
  const manifests = readManifests(here);
  const folders = [...new Set(manifests.map(({ folder }) => folder))];
  const applied = guides.flatMap((guide) => appliedIn(readFileSync(guide, "utf8")));
  const borrowed = [...new Set(applied.filter((folder) => folder.startsWith("../")))];
  const all = [...manifests, ...borrowed.flatMap((folder) => readFolder(here, folder))];

  for (const folder of folders) {
    test(`${name} ${folder} is valid`, () => {
      for (const { objects } of manifests.filter((manifest) => manifest.folder === folder)) {
        assert.ok(objects.length > 0);
        for (const object of objects) assert.deepEqual(parseObject(object).findings, [], nameOf(object));
      }
    });
  }

  test(`${name} hold an object in files of one name, so that applying a step replaces it`, () => {
    const files = new Map<string, string>();
    for (const { file, objects } of all) {
      for (const object of objects) {
        const known = files.get(nameOf(object)) ?? file;
        assert.equal(file, known, nameOf(object));
        files.set(nameOf(object), file);
      }
    }
  });

  test(`${name} have namespaces in the first file of a folder, as kubectl applies files by name`, () => {
    for (const folder of folders) {
      const [first, ...others] = manifests
        .filter((manifest) => manifest.folder === folder)
        .toSorted((one, other) => (one.file < other.file ? -1 : 1));
      const late = others.flatMap(({ objects }) => objects).filter(({ kind }) => kind === "Namespace");
      assert.deepEqual(late, [], `${folder}/${first?.file} has none`);
    }
  });

  test(`${name} manifests/images.yaml has a command for every image that needs one`, () => {
    const images = parse(readFileSync(new URL("manifests/images.yaml", here), "utf8"));
    const needed = all.flatMap(({ objects }) => objects.flatMap(imagesOf));
    assert.deepEqual([...new Set(needed)].sort(), Object.keys(images).sort());
  });

  test(`${name}: the guides apply every folder`, () => {
    const own = applied.filter((folder) => !folder.startsWith("secrets/") && !folder.startsWith("../"));
    assert.deepEqual([...new Set(own)].sort(), [...folders].sort());
  });
}

/** All that can be applied: a folder's folder, or the platform. */
function readManifests(here: URL): readonly Manifest[] {
  const paths = readdirSync(here, { recursive: true, encoding: "utf8" });
  const folders = paths.flatMap((path) => /^(.*)\/[^/]+\.yaml$/.exec(path)?.[1] ?? []);
  const steps = [...new Set(folders)].filter(
    (folder) => folder !== "manifests" && !folder.startsWith("secrets/"),
  );
  return steps.flatMap((folder) => readFolder(here, folder));
}

function readFolder(here: URL, folder: string): readonly Manifest[] {
  const url = new URL(`${folder}/`, here);
  return readdirSync(url).flatMap((file) => {
    if (!file.endsWith(".yaml")) return [];
    const documents = parseAllDocuments(readFileSync(new URL(file, url), "utf8"));
    return [{ folder, file, objects: documents.map((document): KubernetesObject => document.toJS()) }];
  });
}

function appliedIn(guide: string): readonly string[] {
  const lines = guide.matchAll(/^(?:examples\/\w+\/)?apply (.*?)(?: *#.*)?$/gm);
  return [...lines].flatMap(([, folders = ""]) => folders.split(/ +/));
}

function nameOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.namespace ?? "default"}/${metadata.name}`;
}

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
