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
  "/tmp",
  "/tmp/shop",
  "/volume",
];
const files = ["/volume/file", "/root/app/program"];

const view: FileSystemView = {
  kindOf,
  realPath: (path) => path,
  isOwn: (path) => path === "/" || path === "/etc" || path === "/run",
  ownership: (path) => ({ mode: path === "/root" ? 0o700 : 0o755, uid: 0, gid: 0 }),
  lockedOptions: () => ["nosuid"],
  // The pod's one directory; a link in it leads to another.
  ofPod(path) {
    if (path === "/volume/leads-out") return undefined;
    return path === "/volume" || path.startsWith("/volume/")
      ? { path: `/own/0${path.slice("/volume".length)}`, kind: kindOf(path) }
      : undefined;
  },
};

function kindOf(path: string) {
  return directories.includes(path) ? "directory" : files.includes(path) ? "file" : "absent";
}

const volume = { source: "/volume", origin: "pod" } as const;

/** As a step, of the whole volume. */
function bindAt(base: string, rest: string, options: readonly string[] = ["rbind"]) {
  const from = { directory: "/own/0", subPath: "", makesSubPath: false };
  return { verb: "bind", ...from, options, base, rest };
}

function plan(mounts: readonly ContainerMount[], reachable: readonly string[] = [], uid = 1_000) {
  return planMounts({ mounts, reachable, uid, gid: uid }, view);
}

test("planMounts() creates a missing mount point where the file system is the mesh's own", () => {
  assert.deepEqual(plan([{ ...volume, target: "/etc/config/deep" }]), {
    kind: "plan",
    create: [{ path: "/etc/config/deep", kind: "directory" }],
    steps: [bindAt("/etc", "config/deep")],
  });
});

test("planMounts() covers a directory of the machine's instead of making one in it", () => {
  const found = plan([{ ...volume, target: "/usr/share/site" }]);
  assert.deepEqual(found.kind === "plan" && [found.create, found.steps], [
    [],
    [{ verb: "open", directory: "/usr/share", mode: 0o755 }, bindAt("/usr/share", "site")],
  ]);
});

test("planMounts() covers a directory inside a covered one too: what shows through is the machine's", () => {
  const found = plan([
    { ...volume, target: "/usr/share/a" },
    { ...volume, target: "/usr/share/b" },
    { ...volume, target: "/usr/share/doc/new" },
  ]);
  const opened = found.kind === "plan" ? found.steps.filter((step) => step.verb === "open") : [];
  assert.deepEqual(
    opened.map((step) => step.directory),
    ["/usr/share", "/usr/share/doc"],
  );
});

const image = { source: "/tmp/shop", target: "/tmp/shop", origin: "image" } as const;
const bindImage = (base: string, rest: string) => ({ ...bindAt(base, rest), directory: "/tmp/shop" });

test("planMounts() shows an image's files in front of a volume that covers them", () => {
  const found = plan([image, { ...volume, target: "/tmp" }]);
  assert.deepEqual(found.kind === "plan" && [found.create, found.steps], [
    [],
    [bindAt("/tmp", ""), bindImage("/tmp", "shop")],
  ]);
});

test("planMounts() makes no mount point in an image's files", () => {
  const found = plan([image, { ...volume, target: "/tmp" }, { ...volume, target: "/tmp/shop/settings" }]);
  assert.deepEqual(found.kind === "plan" && found.steps.slice(2), [
    { verb: "open", directory: "/tmp/shop", mode: 0o755 },
    bindAt("/tmp/shop", "settings"),
  ]);
});

test("planMounts() finds a directory of the machine's behind the volume that covers it", () => {
  const found = plan([
    { ...volume, target: "/tmp" },
    { source: "/tmp/shop", target: "/usr/share", origin: "machine" },
    { source: "/usr/share/doc", target: "/volume", origin: "machine" },
  ]);
  const sources =
    found.kind === "plan" ? found.steps.flatMap((step) => ("base" in step ? step.directory : [])) : [];
  assert.deepEqual(sources, ["/own/0", "/tmp/shop", "/usr/share/doc"]);
});

test("planMounts() repeats locked options in a read-only mount", () => {
  const found = plan([{ ...volume, target: "/run/x", readOnly: true }]);
  assert.deepEqual(found.kind === "plan" && found.steps, [bindAt("/run", "x", ["rbind", "ro", "nosuid"])]);
});

test("planMounts() leaves the mount point in a volume of the pod's to the script", () => {
  const found = plan([
    { ...volume, target: "/run/x/inner" },
    { ...volume, target: "/run/x" },
  ]);
  assert.deepEqual(found, {
    kind: "plan",
    create: [{ path: "/run/x", kind: "directory" }],
    steps: [bindAt("/run", "x"), bindAt("/run/x", "inner")],
  });
});

test("planMounts() makes the mount point in a volume that only the mesh writes", () => {
  const found = plan([
    { ...volume, target: "/run/x/inner" },
    { source: "/volume", origin: "mesh", target: "/run/x", readOnly: true },
  ]);
  assert.deepEqual(found.kind === "plan" && found.create, [
    { path: "/run/x", kind: "directory" },
    { path: "/volume/inner", kind: "directory" },
  ]);
});

test("planMounts() leaves a subPath in a volume of the pod's to the script, directory by directory", () => {
  const found = plan([
    { ...volume, subPath: "a/./b/", target: "/run/x" },
    { ...volume, subPath: "file", target: "/run/y" },
  ]);
  assert.deepEqual(found.kind === "plan" && found.steps, [
    { ...bindAt("/run", "x"), subPath: "a/b", makesSubPath: true },
    { ...bindAt("/run", "y", ["bind"]), file: "file" },
  ]);
});

test("planMounts() shows only the way through a directory that is closed to the user", () => {
  const closed = { verb: "open", directory: "/root", mode: 0o755, entries: ["app"] };
  const others = plan([], ["/root/app/program"]);
  assert.deepEqual(others.kind === "plan" && others.steps, [closed]);
  const owner = plan([], ["/root/app/program"], 0);
  assert.deepEqual(owner.kind === "plan" && owner.steps, []);
  const hidden = plan([{ ...volume, target: "/root/other" }], ["/root/app/program"]);
  assert.deepEqual(hidden.kind === "plan" && hidden.steps, [closed, bindAt("/root", "other")]);
});

const refusals: readonly (readonly [ContainerMount, RegExp])[] = [
  [{ ...volume, target: "data" }, /isn't absolute/],
  [{ ...volume, target: "/" }, /hide the whole machine/],
  [{ source: "/absent", origin: "machine", target: "/data" }, /"\/absent" at "\/data": it doesn't exist/],
  [{ source: "/elsewhere", origin: "pod", target: "/data" }, /"\/elsewhere" at "\/data": it isn't the pod's/],
  [{ source: "/root/app", origin: "machine", target: "/data" }, /"\/root" is closed to user 1000/],
  [{ ...volume, origin: "mesh", target: "/data", subPath: "leads-out" }, /isn't the pod's/],
  [{ ...volume, target: "/proc/sys" }, /"\/proc" is the machine's or the mesh's own/],
  [{ ...volume, target: "/.meltemi/pod" }, /"\/.meltemi" is the machine's or the mesh's own/],
  [{ ...volume, target: "/root/app/program" }, /a file is there/],
  [{ ...volume, target: "/data", subPath: "../root" }, /leads out of its volume/],
  [{ ...volume, target: "/root/app/program/x" }, /is a file/],
];

for (const [mount, expected] of refusals) {
  test(`planMounts() refuses ${JSON.stringify(mount)}`, () => {
    const found = plan([mount]);
    assert.match(found.kind === "refused" ? found.sentence : "", expected);
  });
}
