import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { ContainerMount } from "../sandbox/mount-plan.ts";
import { coverOf, mountsInFront, pathInVolume } from "./covering-volumes.ts";

describe("covering volumes", () => {
  const root = mkdtempSync(join(tmpdir(), "meltemi-cover-"));
  after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "shop/bin"), { recursive: true });
  for (const file of ["shop/bin/server.mjs", "alone.mjs"]) writeFileSync(join(root, file), "");

  const scratch = { source: "/volumes/scratch", target: root, origin: "pod" } as const;
  const settings = { source: "/volumes/settings", target: `${root}/shop`, origin: "mesh" } as const;

  const shown = (paths: readonly string[], mounts: readonly ContainerMount[] = [scratch]) =>
    mountsInFront(
      paths.map((path) => join(root, path)),
      mounts,
    ).map(({ source, target, origin }) => {
      assert.deepEqual([source, origin], [target, "image"]);
      return target.slice(root.length + 1);
    });

  test("mountsInFront() shows a directory, a file's directory, and a file that has none but the volume's", () => {
    assert.deepEqual(shown(["shop"]), ["shop"]);
    assert.deepEqual(shown(["shop/bin/server.mjs"]), ["shop/bin"]);
    assert.deepEqual(shown(["alone.mjs"]), ["alone.mjs"]);
    assert.deepEqual(shown(["shop", "shop/bin/server.mjs", "shop"]), ["shop"]);
  });

  test("mountsInFront() leaves out what no volume of the apps covers, and what isn't there", () => {
    assert.deepEqual(shown(["shop"], [{ ...scratch, target: `${root}/sho` }]), []);
    assert.deepEqual(shown(["shop"], [{ ...scratch, readOnly: true }]), []);
    assert.deepEqual(shown(["shop", "shop/bin"], [scratch, settings]), []);
    assert.deepEqual(shown(["", "absent"]), []);
  });

  test("coverOf() is the nearest mount above", () => {
    const cover = coverOf(`${root}/shop/bin/x`, [scratch, settings]);
    assert.equal(cover, settings);
    assert.equal(
      pathInVolume(`${root}/shop/bin/x`, { ...settings, subPath: "a" }),
      "/volumes/settings/a/bin/x",
    );
    assert.equal(coverOf("/elsewhere", [scratch]), undefined);
  });
});
