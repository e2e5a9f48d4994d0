import assert from "node:assert/strict";
import { test } from "node:test";
import { checkChartValues, mergeValues } from "./chart-values.ts";
import { controlPlaneValues } from "./control-plane-values.ts";
import { installerGatewayValues } from "./gateway-values.ts";

const wrong: readonly (readonly [content: unknown, path: string, message: RegExp])[] = [
  [{ toleration: [] }, "toleration", /toleration/],
  [{ tolerations: [{ keys: "a" }] }, "tolerations[0].keys", /keys/],
  [{ replicas: 0 }, "replicas", /found number 0, wanted a number from 1 to 100/],
  [{ cniRepair: "restart" }, "cniRepair", /"restart".*repair/s],
  [{ cniBinDir: "opt/cni/bin" }, "cniBinDir", /found "opt\/cni\/bin", wanted text of the form \^\//],
  [{ meshConfig: { accesLogFile: "/dev/stdout" } }, "meshConfig.accesLogFile", /accesLogFile/],
  [["a"], "", /list/],
];

for (const [content, path, message] of wrong) {
  test(`checkChartValues() finds what is wrong in ${JSON.stringify(content)}`, () => {
    const { findings } = checkChartValues(controlPlaneValues, content);
    const [found] = findings;
    assert.ok(found, "nothing was found");
    assert.equal(found.path, path);
    assert.match(`${found.message} ${found.hint ?? ""}`, message);
    assert.equal(findings.length, 1);
  });
}

test("checkChartValues() takes nothing, and MeshConfig as Istio reads it", () => {
  assert.deepEqual(checkChartValues(installerGatewayValues, undefined), { values: {}, findings: [] });
  const { findings, values } = checkChartValues(controlPlaneValues, {
    meshConfig: { access_log_file: "/dev/stdout" },
  });
  assert.deepEqual([findings, values.meshConfig], [[], { accessLogFile: "/dev/stdout" }]);
});

test("mergeValues() lays fields over fields and lists over lists, as Helm does", () => {
  const defaults = { a: { b: 1, c: { d: 2 } }, list: [1, 2], other: "x" };
  const given = { a: { b: 1, c: { d: 3, e: 4 } }, list: [3] };
  assert.deepEqual(mergeValues<object>(defaults, given), {
    a: { b: 1, c: { d: 3, e: 4 } },
    list: [3],
    other: "x",
  });
});
