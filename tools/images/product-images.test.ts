import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  agentNodeFlags,
  bookshopImage,
  controlPlaneNodeFlags,
  imageNames,
  nodeLayer,
} from "./product-images.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dockerfile = readFileSync(new URL("../../images/Dockerfile", import.meta.url), "utf8");

/** What the Dockerfile says of its last stage of that name. */
function stage(target: string): { readonly entrypoint: string[]; readonly user: string | undefined } {
  const [, text = ""] = dockerfile.split(`FROM scratch AS ${target}\n`);
  const [own = ""] = text.split("\nFROM ");
  return {
    entrypoint: JSON.parse(/^ENTRYPOINT (.*)$/m.exec(own)?.[1] ?? "[]"),
    user: /^USER (.*)$/m.exec(own)?.[1],
  };
}

test("the Dockerfile has a target for each image", () => {
  for (const name of imageNames) {
    const target = name.replace("meltemi/", "");
    assert.ok(dockerfile.includes(`--rootfs /rootfs ${target}\n`), `the files of ${target}`);
    assert.notDeepEqual(stage(target).entrypoint, [], target);
  }
});

test("the Dockerfile starts the agent with the flags of our own images", () => {
  assert.deepEqual(stage("agent").entrypoint.slice(1, -1), agentNodeFlags);
  assert.deepEqual(stage("control-plane").entrypoint.slice(1, -1), controlPlaneNodeFlags);
});

const whyNoBookshop = existsSync(`${root}/dist/examples/bookshop`)
  ? false
  : "needs built bundles: npm run build";

test("the Dockerfile starts the bookshop as our own image does", { skip: whyNoBookshop }, () => {
  const { entrypoint, user } = bookshopImage(nodeLayer(), root);
  assert.deepEqual(stage("bookshop"), { entrypoint, user });
});
