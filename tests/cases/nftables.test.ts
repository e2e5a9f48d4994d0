// Runs Istio's nftables cases: the script must have the same tables, chains and rules in the same order.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { renderNftables } from "../../src/capture/render-nftables.ts";
import { buildRules } from "../../src/capture/rules.ts";
import { type CaptureCaseConfig, settingsOf } from "./capture-settings-of.ts";
import { caseDirectory, skipWithout } from "./case-directory.ts";
import { deviationsOf } from "./deviations.ts";

const directory = caseDirectory("nftables");
const deviations = deviationsOf("nftables");

if (directory === undefined) {
  test("nftables cases", { skip: skipWithout(directory) }, () => undefined);
} else {
  const names = readdirSync(directory).filter((file) => file.endsWith(".json"));
  test("nftables cases are there", () => assert.ok(names.length > 0));
  for (const file of names) {
    const name = file.replace(/\.json$/, "");
    test(`nftables case ${name}`, () => runCase(directory, name));
  }
}

function runCase(folder: string, name: string): void {
  const { config } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8")) as {
    config: CaptureCaseConfig;
  };
  const settings = settingsOf(config);
  const wanted = meaningsOf(readFileSync(`${folder}/${name}.golden`, "utf8"));
  const found = meaningsOf(renderNftables(buildRules(settings), { ipv6: settings.ipv6 }));
  if (deviations.has(name)) {
    assert.notDeepEqual(found, wanted, `${name} agrees: take it out of deviations.yaml`);
  } else assert.deepEqual(found, wanted);
}

/** Lines in one spelling: nft reads each of these pairs as one, and Istio's scripts have both. */
function meaningsOf(script: string): string[] {
  return script
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [head = "", rest] = line.replaceAll('"', "").replaceAll("meta sk", "sk").split(" counter ");
      return rest === undefined ? head : `${inOrder(head)} counter ${rest}`;
    });
}

/** All matches must hold, so their order doesn't count; a port's match says its protocol already. */
function inOrder(head: string): string {
  const [, place = "", matches = ""] =
    /^((?:add|insert) rule inet \S+ \S+(?: index \d+)?)(.*)$/.exec(head) ?? [];
  const found = matches.match(
    /(?:[io]ifname|meta l4proto|ct state|ip6? [sd]addr|(?:tcp|udp) [sd]port|sk[ug]id) (?:!= )?(?:\{[^}]*\}|\S+)/g,
  );
  const kept = (found ?? []).filter(
    (match) => !match.startsWith("meta l4proto") || !/(tcp|udp) [sd]port/.test(matches),
  );
  assert.equal((found ?? []).join(" ").length, matches.trim().length, `unknown match in: ${head}`);
  return [place, ...kept.sort()].join(" ");
}
