import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseSettings, type SettingsChoices } from "./choose-settings.ts";

const faults: readonly (readonly [SettingsChoices, RegExp])[] = [
  [{ profile: "ambient" }, /no profile "ambient", only default, minimal, demo, cni/],
  [{ revision: "Canary" }, /"Canary" isn't a revision/],
  [{ imagePullPolicy: "never" }, /"never" isn't a pull policy, wanted Always, IfNotPresent, Never/],
  [{ replicas: "0" }, /found 0 replicas, wanted 1 to 100/],
  [{ cniRepair: "restart" }, /"restart" repairs no pod, wanted repair, delete, label, none/],
  [{ cniBinDir: "opt/cni/bin" }, /"opt\/cni\/bin" isn't a folder of a node/],
  [{ cniConfDir: "net.d" }, /"net.d" isn't a folder of a node/],
  [{ namespace: "Mesh" }, /"Mesh" isn't a namespace's name/],
  [{ values: { env: [{ name: "REVISION", value: "x" }] } }, /"REVISION" is the installation's own/],
  [{ profile: "minimal", gatewayValues: {} }, /there is no gateway in profile "minimal"/],
  [{ revision: "canary", gatewayValues: {} }, /there is no gateway in revision "canary"/],
];

for (const [choices, message] of faults) {
  test(`chooseSettings() refuses ${JSON.stringify(choices)}`, () => {
    const chosen = chooseSettings(choices, "1.2.3");
    assert.ok(chosen.kind === "fault");
    assert.match(chosen.message, message);
  });
}

function chosenOf(choices: SettingsChoices) {
  const chosen = chooseSettings(choices, "1.2.3");
  assert.ok(chosen.kind === "chosen", JSON.stringify(chosen));
  return chosen.settings;
}

test("chooseSettings() lays values over the profile, and the choices over the values", () => {
  const values = {
    replicas: 4,
    maxReplicas: 4,
    controlPlaneResources: { limits: { memory: "4Gi" } },
    meshConfig: { accessLogEncoding: "JSON" },
    nodeSelector: { pool: "mesh" },
  } as const;
  const settings = chosenOf({ profile: "demo", values, replicas: "2" });
  assert.deepEqual(settings.controlPlaneResources, {
    requests: { cpu: "10m", memory: "128Mi" },
    limits: { memory: "4Gi" },
  });
  assert.deepEqual(settings.meshConfig, { accessLogFile: "/dev/stdout", accessLogEncoding: "JSON" });
  assert.deepEqual([settings.replicas, settings.maxReplicas, settings.tag], [2, 4, "1.2.3"]);
  assert.deepEqual(settings.nodeSelector, { pool: "mesh" });
});

test("chooseSettings() gives the gateway what the control plane has, but for what is said of it", () => {
  const { gateway } = chosenOf({ replicas: "3", imagePullPolicy: "Never" });
  assert.deepEqual([gateway.replicas, gateway.imagePullPolicy], [3, "Never"]);
  const { gateway: own } = chosenOf({
    replicas: "3",
    gatewayValues: { name: "", replicas: 1, service: { type: "NodePort" } },
  });
  assert.deepEqual([own.name, own.replicas, own.service.type], ["istio-ingressgateway", 1, "NodePort"]);
  assert.equal(own.service.ports?.length, 3, "its ports are the usual ones");
});

test("chooseSettings() lays the choices over the profile", () => {
  const choices = { profile: "cni", cniRepair: "label", cniConfDir: "/k3s/net.d", replicas: "7" };
  const chosen = chooseSettings(choices, "1.2.3");
  assert.ok(chosen.kind === "chosen");
  const { cniBinDir, cniConfDir, cniRepair, hasCni, maxReplicas, tag } = chosen.settings;
  assert.deepEqual([hasCni, cniRepair, cniConfDir, cniBinDir], [true, "label", "/k3s/net.d", "/opt/cni/bin"]);
  assert.deepEqual([maxReplicas, tag], [7, "1.2.3"]);
});
