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
];

for (const [choices, message] of faults) {
  test(`chooseSettings() refuses ${JSON.stringify(choices)}`, () => {
    const chosen = chooseSettings(choices, "1.2.3");
    assert.ok(chosen.kind === "fault");
    assert.match(chosen.message, message);
  });
}

test("chooseSettings() lays the choices over the profile", () => {
  const choices = { profile: "cni", cniRepair: "label", cniConfDir: "/k3s/net.d", replicas: "7" };
  const chosen = chooseSettings(choices, "1.2.3");
  assert.ok(chosen.kind === "chosen");
  const { cniBinDir, cniConfDir, cniRepair, hasCni, maxReplicas, tag } = chosen.settings;
  assert.deepEqual([hasCni, cniRepair, cniConfDir, cniBinDir], [true, "label", "/k3s/net.d", "/opt/cni/bin"]);
  assert.deepEqual([maxReplicas, tag], [7, "1.2.3"]);
});
