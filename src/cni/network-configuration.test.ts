import assert from "node:assert/strict";
import { test } from "node:test";
import { chainPlugin, isChained, isNetwork, unchainPlugin } from "./network-configuration.ts";

const plugin = { type: "meltemi-cni", socket: "/run/cni.sock", meshNamespacesFile: "/lib/namespaces" };
const list = JSON.stringify({
  cniVersion: "1.0.0",
  name: "pods",
  disableCheck: true,
  plugins: [{ type: "bridge", ipam: { type: "host-local" } }, { type: "portmap" }],
});

const file = { name: "10-pods.conflist", text: list };
const single = {
  name: "10-pods.conf",
  text: JSON.stringify({ cniVersion: "0.4.0", name: "pods", type: "bridge", bridge: "cni0" }),
};

function chained(from = file, wanted = plugin) {
  const to = chainPlugin(from, wanted);
  assert.ok(to !== undefined);
  return to;
}

test("chainPlugin() stands last and leaves the rest as it is", () => {
  const { name, text } = chained();
  const before = JSON.parse(list);
  assert.equal(name, file.name);
  assert.deepEqual(JSON.parse(text), { ...before, plugins: [...before.plugins, plugin] });
});

for (const ending of ["conf", "json"]) {
  test(`chainPlugin() makes a list of a single plugin's .${ending}, which a runtime knows by its name`, () => {
    const replacedFile = `10-pods.${ending}`;
    const { name, text } = chained({ ...single, name: replacedFile });
    assert.equal(name, "10-pods.conflist");
    assert.deepEqual(JSON.parse(text), {
      name: "pods",
      cniVersion: "0.4.0",
      plugins: [
        { type: "bridge", bridge: "cni0" },
        { ...plugin, replacedFile },
      ],
    });
  });
}

test("chainPlugin() applied again replaces what it wrote", () => {
  assert.deepEqual(chained(chained(file, { ...plugin, socket: "/old.sock" })), chained());
  assert.deepEqual(chained(chained(single, { ...plugin, socket: "/old.sock" })), chained(single));
});

test("isChained() leaves those alone who put themselves behind", () => {
  const { text } = chained();
  assert.ok(isChained(text, plugin));
  const other = JSON.parse(text);
  other.plugins.push({ type: "bandwidth" });
  assert.ok(isChained(JSON.stringify(other), plugin));
});

test("isChained() notices that it is missing, first or otherwise than wanted", () => {
  assert.ok(!isChained(list, plugin));
  assert.ok(!isChained(chained().text, { ...plugin, socket: "/new.sock" }));
  const { plugins, ...rest } = JSON.parse(chained().text);
  assert.ok(!isChained(JSON.stringify({ ...rest, plugins: plugins.toReversed() }), plugin));
});

test("unchainPlugin() gives back what was there", () => {
  const list = unchainPlugin(chained());
  assert.deepEqual([list.name, JSON.parse(list.text)], [file.name, JSON.parse(file.text)]);
  const alone = unchainPlugin(chained(single));
  assert.deepEqual([alone.name, JSON.parse(alone.text)], [single.name, JSON.parse(single.text)]);
  assert.equal(unchainPlugin(file), file);
});

test("unchainPlugin() keeps a list to which another plugin was added", () => {
  const { name, text } = chained(single);
  const { plugins, ...rest } = JSON.parse(text);
  const grown = JSON.stringify({ ...rest, plugins: [...plugins, { type: "bandwidth" }] });
  const without = unchainPlugin({ name, text: grown });
  assert.equal(without.name, "10-pods.conflist");
  const types = JSON.parse(without.text).plugins.map(({ type }: { type: string }) => type);
  assert.deepEqual(types, ["bridge", "bandwidth"]);
});

for (const broken of ["", "{", "[]", '{"plugins":[]}', '{"plugins":["x"]}', '{"name":"pods"}']) {
  test(`chainPlugin() leaves alone ${JSON.stringify(broken)}`, () => {
    const given = { name: "10-pods.conflist", text: broken };
    assert.ok(!isNetwork(broken));
    assert.equal(chainPlugin(given, plugin), undefined);
    assert.equal(unchainPlugin(given), given);
  });
}
