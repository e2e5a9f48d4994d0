import assert from "node:assert/strict";
import { test } from "node:test";
import { type ContainerMount, type FileSystemView, planMounts } from "./mount-plan.ts";

/** A machine of a few directories; `/etc` and `/run` are the mesh's own, `/root` is closed to others. */
const directories = [
  "/",
  "/etc",
  "/run",
  "/usr",
  "/usr/share",
  "/usr/share/doc",
  "/root",
  "/root/app",
  "/volume",
];
const files = ["/volume/file", "/root/app/program"];

const view: FileSystemView = {
  kindOf: (path) => (directories.includes(path) ? "directory" : files.includes(path) ? "file" : "absent"),
  realPath: (path) => path,
  isOwn: (path) => path === "/" || path === "/etc" || path === "/run",
  ownership: (path) => ({ mode: path === "/root" ? 0o700 : 0o755, uid: 0, gid: 0 }),
  lockedOptions: () => ["nosuid"],
};

function plan(mounts: readonly ContainerMount[], reachable: readonly string[] = [], uid = 1_000) {
  return planMounts({ mounts, reachable, uid, gid: uid }, view);
}

test("planMounts() creates a missing mount point where the file system is the mesh's own", () => {
  assert.deepEqual(plan([{ source: "/volume", target: "/etc/config/deep" }]), {
    kind: "plan",
    create: [{ path: "/etc/config/deep", kind: "directory" }],
    steps: [{ verb: "bind", source: "/volume", target: "/etc/config/deep", options: "rbind" }],
  });
});

test("planMounts() covers a directory of the machine's instead of making one in it", () => {
  const found = plan([{ source: "/volume", target: "/usr/share/site" }]);
  assert.deepEqual(found.kind === "plan" && [found.create, found.steps], [
    [],
    [
      { verb: "open", directory: "/usr/share", mode: 0o755 },
      { verb: "make", path: "/usr/share/site", kind: "directory" },
      { verb: "bind", source: "/volume", target: "/usr/share/site", options: "rbind" },
    ],
  ]);
});

test("planMounts() covers a directory inside a covered one too: what shows through is the machine's", () => {
  const found = plan([
    { source: "/volume", target: "/usr/share/a" },
    { source: "/volume", target: "/usr/share/b" },
    { source: "/volume", target: "/usr/share/doc/new" },
  ]);
  const opened = found.kind === "plan" ? found.steps.filter((step) => step.verb === "open") : [];
  assert.deepEqual(
    opened.map((step) => step.directory),
    ["/usr/share", "/usr/share/doc"],
  );
});

test("planMounts() repeats locked options in a read-only mount", () => {
  const found = plan([{ source: "/volume", target: "/run/x", readOnly: true }]);
  assert.deepEqual(found.kind === "plan" && found.steps, [
    { verb: "bind", source: "/volume", target: "/run/x", options: "rbind,ro,nosuid" },
  ]);
});

test("planMounts() makes the mount point of a nested volume inside the outer one", () => {
  const found = plan([
    { source: "/volume", target: "/run/x/inner" },
    { source: "/volume", target: "/run/x" },
  ]);
  assert.deepEqual(found.kind === "plan" && found.create, [
    { path: "/run/x", kind: "directory" },
    { path: "/volume/inner", kind: "directory" },
  ]);
});

test("planMounts() shows only the way through a directory that is closed to the user", () => {
  const closed = { verb: "open", directory: "/root", mode: 0o755, entries: ["app"] };
  const others = plan([], ["/root/app/program"]);
  assert.deepEqual(others.kind === "plan" && others.steps, [closed]);
  const owner = plan([], ["/root/app/program"], 0);
  assert.deepEqual(owner.kind === "plan" && owner.steps, []);
  const hidden = plan([{ source: "/volume", target: "/root/other" }], ["/root/app/program"]);
  assert.deepEqual(hidden.kind === "plan" && hidden.steps, [
    closed,
    { verb: "make", path: "/root/other", kind: "directory" },
    { verb: "bind", source: "/volume", target: "/root/other", options: "rbind" },
  ]);
});

const refusals: readonly (readonly [ContainerMount, RegExp])[] = [
  [{ source: "/volume", target: "data" }, /isn't absolute/],
  [{ source: "/volume", target: "/" }, /hide the whole machine/],
  [{ source: "/absent", target: "/data" }, /"\/absent" at "\/data": it doesn't exist/],
  [{ source: "/volume", target: "/root/app/program" }, /a file is there/],
  [{ source: "/volume", target: "/data", subPath: "../root" }, /leads out of its volume/],
  [{ source: "/volume", target: "/root/app/program/x" }, /is a file/],
];

for (const [mount, expected] of refusals) {
  test(`planMounts() refuses ${JSON.stringify(mount)}`, () => {
    const found = plan([mount]);
    assert.match(found.kind === "refused" ? found.sentence : "", expected);
  });
}
