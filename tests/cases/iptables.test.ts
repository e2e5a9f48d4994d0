// Runs Istio's iptables cases: the restore input must have the same tables, chains and rules in the same order.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { renderIptablesRestore } from "../../src/capture/render-iptables-restore.ts";
import { buildRules } from "../../src/capture/rules.ts";
import { type CaptureCaseConfig, settingsOf } from "./capture-settings-of.ts";
import { caseDirectory, skipWithout } from "./case-directory.ts";
import { deviationsOf } from "./deviations.ts";

const directory = caseDirectory("iptables");
const deviations = deviationsOf("iptables");

if (directory === undefined) {
  test("iptables cases", { skip: skipWithout(directory) }, () => undefined);
} else {
  const names = readdirSync(directory).filter((file) => file.endsWith(".json"));
  test("iptables cases are there", () => assert.ok(names.length > 0));
  for (const file of names) {
    const name = file.replace(/\.json$/, "");
    test(`iptables case ${name}`, () => runCase(directory, name));
  }
}

function runCase(folder: string, name: string): void {
  const { config } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8")) as {
    config: CaptureCaseConfig;
  };
  const wanted = restoreInput(readFileSync(`${folder}/${name}.golden`, "utf8"));
  const settings = settingsOf(config);
  const rules = buildRules(settings);
  const ipv6 = settings.ipv6 ? renderIptablesRestore(rules, "ipv6") : "";
  const found = restoreInput(renderIptablesRestore(rules, "ipv4") + ipv6);
  if (deviations.has(name))
    assert.notDeepEqual(found, wanted, `${name} agrees: take it out of deviations.yaml`);
  else assert.deepEqual(found, wanted);
}

/** Leaves out the calls of other programs around the input. */
function restoreInput(text: string): string[] {
  return text.split("\n").filter((line) => /^(\* |-|COMMIT)/.test(line));
}
