import assert from "node:assert/strict";
import { test } from "node:test";
import { chainPlugin, isChained, unchainPlugin } from "./network-configuration.ts";

const plugin = { type: "meltemi-cni", socket: "/run/cni.sock", meshNamespacesFile: "/lib/namespaces" };
const list = JSON.stringify({
  cniVersion: "1.0.0",
  name: "pods",
  disableCheck: true,
  plugins: [{ type: "bridge", ipam: { type: "host-local" } }, { type: "portmap" }],
});

function parsed(text: string | undefined) {
  return JSON.parse(text ?? "null");
}

test("chainPlugin() stands last and leaves the rest as it is", () => {
  const chained = parsed(chainPlugin(list, plugin));
  const before = parsed(list);
  assert.deepEqual(chained, { ...before, plugins: [...before.plugins, plugin] });
});

test("chainPlugin() makes a list of a single plugin", () => {
  const single = JSON.stringify({ cniVersion: "0.4.0", name: "pods", type: "bridge", bridge: "cni0" });
  assert.deepEqual(parsed(chainPlugin(single, plugin)), {
    name: "pods",
    cniVersion: "0.4.0",
    plugins: [{ type: "bridge", bridge: "cni0" }, plugin],
  });
});

test("chainPlugin() applied again replaces what it wrote", () => {
  const once = chainPlugin(list, { ...plugin, socket: "/old.sock" }) ?? "";
  assert.deepEqual(parsed(chainPlugin(once, plugin)), parsed(chainPlugin(list, plugin)));
});

test("isChained() notices that another put itself behind", () => {
  const chained = chainPlugin(list, plugin) ?? "";
  assert.ok(isChained(chained, plugin));
  const other = parsed(chained);
  other.plugins.push({ type: "bandwidth" });
  assert.ok(!isChained(JSON.stringify(other), plugin));
  assert.ok(!isChained(list, plugin));
});

test("unchainPlugin() gives back what was there", () => {
  assert.deepEqual(parsed(unchainPlugin(chainPlugin(list, plugin) ?? "")), parsed(list));
  assert.equal(unchainPlugin(list), list);
});

for (const broken of ["", "{", "[]", '{"plugins":[]}', '{"plugins":["x"]}', '{"name":"pods"}']) {
  test(`chainPlugin() leaves alone ${JSON.stringify(broken)}`, () => {
    assert.equal(chainPlugin(broken, plugin), undefined);
    assert.equal(unchainPlugin(broken), broken);
  });
}
