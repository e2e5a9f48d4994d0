import assert from "node:assert/strict";
import { test } from "node:test";
import { lockedOptionsOf } from "./file-system-view.ts";

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
