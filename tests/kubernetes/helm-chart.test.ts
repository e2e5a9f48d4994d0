// The Helm chart, rendered by Helm, is the installer's objects.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";
import { chooseSettings } from "../../src/install/choose-settings.ts";
import type { InstallObject } from "../../src/install/install-object.ts";
import { cniRepairs, profileNames } from "../../src/install/install-settings.ts";
import { installationObjects } from "../../src/install/installation-objects.ts";
import { helmPath } from "./cluster/cached-programs.ts";

const chart = fileURLToPath(new URL("../../charts/meltemi", import.meta.url));
const skip = whyNoHelm();

function whyNoHelm(): string | false {
  try {
    accessSync(helmPath(), constants.X_OK);
    return false;
  } catch {
    return "needs helm: run `npm run test:kubernetes`, which fetches it";
  }
}

function helm(...args: readonly string[]): string {
  return execFileSync(helmPath(), args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024, timeout: 60_000 });
}

// In the chart the name of a revision may be empty, and so be there twice.
function withoutRepeatedNames(object: InstallObject): InstallObject {
  return JSON.parse(JSON.stringify(object), (key, value: unknown) =>
    key === "resourceNames" ? [...new Set(value as string[])] : value,
  ) as InstallObject;
}

/** By what names them; a ConfigMap's `mesh` as what it says. */
function byKey(objects: readonly InstallObject[]): Record<string, unknown> {
  const entries = objects.map(withoutRepeatedNames).map((object): [string, unknown] => {
    const { kind, metadata } = object;
    const { mesh } = (object.data ?? {}) as { readonly mesh?: string };
    const data = mesh === undefined ? {} : { data: { mesh: parse(mesh) as unknown } };
    return [`${kind} ${metadata.namespace ?? ""}/${metadata.name}`, { ...object, ...data }];
  });
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

interface Case {
  readonly profile: string;
  readonly revision: string;
  readonly cniRepair?: string;
}

const cases: readonly Case[] = [
  ...profileNames.map((profile) => ({ profile, revision: "default" })),
  { profile: "cni", revision: "canary" },
  ...cniRepairs.map((cniRepair) => ({ profile: "cni", revision: "default", cniRepair })),
];

for (const { profile, revision, cniRepair = "repair" } of cases) {
  const name = `profile ${profile} of revision ${revision}, repair mode ${cniRepair}`;
  test(`helm renders the ${name} as the installer does`, { skip }, () => {
    const values = profile === "default" ? [] : ["-f", `${chart}/profiles/${profile}.yaml`];
    const sets = ["--set", `tag=9.9.9,revision=${revision},cniRepair=${cniRepair}`];
    const text = helm("template", "meltemi", chart, "-n", "meltemi-system", ...values, ...sets);
    const rendered = parseAllDocuments(text).flatMap(
      (document) => (document.toJS() as InstallObject | null) ?? [],
    );
    const chosen = chooseSettings({ profile, revision, tag: "9.9.9", cniRepair }, "0.0.0");
    assert.ok(chosen.kind === "chosen");
    // Helm makes the release's own namespace itself.
    const wanted = installationObjects(chosen.settings).filter(
      ({ kind, metadata }) => kind !== "Namespace" || metadata.name !== "meltemi-system",
    );
    assert.deepEqual(byKey(rendered), byKey(wanted));
  });
}

test("helm finds nothing wrong with the chart", { skip }, () => {
  assert.match(helm("lint", "--strict", chart), /0 chart\(s\) failed/);
});

test("helm refuses a value that the chart doesn't know, and one that it can't take", { skip }, () => {
  const render = (set: string) => helm("template", "meltemi", chart, "--set", set);
  assert.throws(() => render("replica=3"), /additional properties 'replica' not allowed/);
  assert.throws(() => render("cniRepair=maybe"), /cniRepair/);
});
