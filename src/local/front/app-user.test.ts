import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseAppUser } from "./app-user.ts";

const passwd = "root:x:0:0:root:/root:/bin/sh\nana:x:1000:1000:Ana:/home/ana:/bin/bash\n";
const caller = { privilege: "root", env: {}, home: "/root", passwd } as const;

test("chooseAppUser() takes who called sudo, with the user's home", () => {
  const env = { SUDO_UID: "1000", SUDO_GID: "1000" };
  const wanted = { uid: 1000, gid: 1000, home: "/home/ana", replacesRoot: true };
  assert.deepEqual(chooseAppUser({ ...caller, env }), wanted);
});

for (const env of [
  {},
  { SUDO_UID: "0", SUDO_GID: "0" },
  { SUDO_UID: "1000" },
  { SUDO_UID: "x", SUDO_GID: "1" },
]) {
  test(`chooseAppUser() takes nobody for root with ${JSON.stringify(env)}`, () => {
    assert.deepEqual(chooseAppUser({ ...caller, env }), {
      ...{ uid: 65_534, gid: 65_534, home: "/" },
      replacesRoot: true,
    });
  });
}

test("chooseAppUser() takes the caller, who is the root of a user namespace", () => {
  assert.deepEqual(chooseAppUser({ ...caller, privilege: "user-namespace", home: "/home/ana" }), {
    ...{ uid: 0, gid: 0, home: "/home/ana" },
    replacesRoot: false,
  });
});
