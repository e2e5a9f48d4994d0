import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodAnnotations } from "./pod-annotations.ts";
import { proxyImage } from "./proxy-image.ts";

interface Case {
  readonly ofMesh?: string;
  readonly annotations?: PodAnnotations;
  readonly imageType?: string;
  readonly image: string;
}

const cases: readonly Case[] = [
  { image: "registry:5000/mesh/agent:1.0" },
  { annotations: { image: "other/proxy:2" }, imageType: "debug", image: "other/proxy:2" },
  { annotations: { image: "proxyv2" }, image: "registry:5000/mesh/proxyv2:1.0" },
  { annotations: { image: "agent:dev" }, image: "registry:5000/mesh/agent:dev" },
  { annotations: { imageType: "debug" }, image: "registry:5000/mesh/agent:1.0-debug" },
  { annotations: { imageType: "distroless" }, image: "registry:5000/mesh/agent:1.0" },
  { annotations: { imageType: "default" }, imageType: "debug", image: "registry:5000/mesh/agent:1.0" },
  { imageType: "debug", image: "registry:5000/mesh/agent:1.0-debug" },
  { ofMesh: "mesh/agent:1.0-debug", imageType: "debug", image: "mesh/agent:1.0-debug" },
  { ofMesh: "mesh/agent@sha256:12", imageType: "debug", image: "mesh/agent@sha256:12" },
  { ofMesh: "agent", imageType: "debug", image: "agent" },
];

for (const { ofMesh = "registry:5000/mesh/agent:1.0", annotations = {}, imageType, image } of cases) {
  test(`proxyImage() of ${ofMesh} ${JSON.stringify({ ...annotations, ofConfig: imageType })}`, () => {
    assert.equal(proxyImage({ ofMesh, annotations, imageType }), image);
  });
}
