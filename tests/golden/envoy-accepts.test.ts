// What is generated for meshes that use every feature must load in an unmodified Envoy: each layer of resources is
// put into a bootstrap, which Envoy validates.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { BootstrapSchema } from "../../src/gen/envoy/config/bootstrap/v3/bootstrap_pb.ts";
import { findEnvoy } from "../protocol/envoy-process.ts";
import { everything, layerResources, layersOf } from "./mesh-resources.ts";
import { bootstrapOf } from "./validation-bootstrap.ts";

const envoy = findEnvoy();
const skip = envoy === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;

describe("Envoy accepts", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), `mlt-validate-${process.pid}-`));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const mesh = everything();

  test("a mesh that has layers for namespaces, workloads and gateways", () => {
    assert.deepEqual(mesh.graph.failures(), []);
    assert.ok(layersOf(mesh).length >= 7, layersOf(mesh).join(" "));
  });

  for (const [at, layer] of layersOf(mesh).entries()) {
    test(`layer "${layer}"`, () => {
      const file = join(directory, `${at}.pb`);
      writeFileSync(file, toBinary(BootstrapSchema, bootstrapOf(layerResources(mesh, layer))));
      const { status, stderr } = spawnSync(
        envoy ?? "",
        ["--mode", "validate", "-c", file, "-l", "error", "--use-dynamic-base-id"],
        { encoding: "utf8" },
      );
      assert.equal(status, 0, stderr.slice(-3000));
    });
  }
});
