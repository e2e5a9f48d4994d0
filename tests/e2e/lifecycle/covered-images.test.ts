// An image's files below /tmp, as a clone there has them, and pods that mount volumes over /tmp or over the files.

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";

let mesh: RunningMesh;

const images = `
shop/page: { command: [${process.execPath}, page.mjs] }
`;

const page = `
import { readdirSync, writeFileSync } from "node:fs";
import { words } from "./words.mjs";
writeFileSync("/tmp/scratch", "");
console.log(words, readdirSync("/tmp").length);
setInterval(() => {}, 1000);
`;

function pod(name: string, container: string, volume: string): string {
  return `
---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: test, labels: { sidecar.istio.io/inject: "false" } }
spec:
  containers:
    - name: app
${container}
  volumes:
    - { name: files, ${volume} }
`;
}

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({
      files: { "images.yaml": images, "page.mjs": page, "words.mjs": 'export const words = "Page";\n' },
    });
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

test("an image's folder below an emptyDir at /tmp is to be seen, and nothing else of the machine's", {
  skip,
}, async () => {
  const container = "      image: shop/page\n      volumeMounts: [{ name: files, mountPath: /tmp }]";
  await mesh.save("page.yaml", pod("page", container, "emptyDir: {}"));
  // The file that it wrote, and the way to its own folder.
  await eventually(async () => {
    assert.deepEqual(
      (await mesh.logs("page", "app")).map(({ text }) => text),
      ["Page 2"],
    );
  });
});

test("a volume that hides what a container is to run is named, with its line", { skip }, async () => {
  const folder = dirname(process.execPath);
  const mount = `{ name: files, mountPath: ${folder} }`;
  const container = `      image: shop/page\n      volumeMounts:\n        - ${mount}`;
  const settings = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: none, namespace: test }\n";
  const text = `${pod("hidden", container, "configMap: { name: none }")}${settings}`;
  await mesh.save("hidden.yaml", text);
  const line = text.split("\n").findIndex((each) => each.includes(mount)) + 1;
  await eventually(() => {
    const [said = ""] = /^.*MLT3102.*$/m.exec(mesh.output()) ?? [];
    assert.ok(said.includes(`hidden.yaml:${line}:`), said);
    assert.ok(said.includes(`volume "files" at "${folder}" hides "${process.execPath}"`), said);
  });
});
