import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lockedOptionsOf, resolveIn } from "./file-system-view.ts";

const mountInfo = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:30 / /home rw,nosuid,nodev,noatime - ext4 /dev/vdb rw
31 30 0:31 / /home/a\\040b rw,noexec - tmpfs x rw
32 22 0:32 / /home rw,nodev - tmpfs y rw
`;

test("lockedOptionsOf() takes those of the last mount on the longest path above", () => {
  assert.deepEqual(lockedOptionsOf("/var/lib", mountInfo), ["relatime"]);
  assert.deepEqual(lockedOptionsOf("/home/user/x", mountInfo), ["nodev"]);
  assert.deepEqual(lockedOptionsOf("/home/a b/x", mountInfo), ["noexec"]);
  assert.deepEqual(lockedOptionsOf("/homestead", mountInfo), ["relatime"]);
});

test("resolveIn() follows links as a process does whose root directory it is", (context) => {
  const root = mkdtempSync(join(tmpdir(), "meltemi-view-"));
  context.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "run/secrets"), { recursive: true });
  mkdirSync(join(root, "var"));
  symlinkSync("/run", join(root, "var/run"));
  symlinkSync("../../../../run", join(root, "var/up"));
  symlinkSync("loop", join(root, "loop"));
  assert.equal(resolveIn(root, "/var/run/secrets"), "/run/secrets");
  assert.equal(resolveIn(root, "/var/up/secrets/../../var"), "/var");
  assert.equal(resolveIn(root, "/loop"), undefined);
  assert.equal(resolveIn(root, "/var/none"), undefined);
  assert.equal(resolveIn(root, "/"), "/");
});
