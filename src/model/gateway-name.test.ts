import assert from "node:assert/strict";
import { test } from "node:test";
import { qualifyGateway } from "./gateway-name.ts";

const cases: Readonly<Record<string, string>> = {
  mesh: "mesh",
  edge: "shop/edge",
  "./edge": "shop/edge",
  "infra/edge": "infra/edge",
  "edge.infra": "infra/edge",
  "edge.infra.svc.cluster.local": "infra/edge",
};
for (const [written, wanted] of Object.entries(cases)) {
  test(`qualifyGateway() knows "${written}"`, () => assert.equal(qualifyGateway(written, "shop"), wanted));
}
