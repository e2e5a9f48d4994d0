import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { ContainerMount } from "../sandbox/mount-plan.ts";
import { createProxyFiles } from "./proxy-files.ts";
import { resolved } from "./resolution.ts";

const DEADLINE_MS = 10_000;

/** Nobody's, so that only what is open to all can be read. */
const stranger = { uid: 61_337, gids: [61_337] };

function scene(t: TestContext) {
  const machineRoot = mkdtempSync(join(tmpdir(), "meltemi-proxy-files-"));
  t.after(() => rmSync(machineRoot, { recursive: true }));
  chmodSync(machineRoot, 0o755);
  const at = (path: string) => join(machineRoot, path);
  for (const directory of ["volume/sub", "secret/..1", "home/certs", "home/closed"])
    mkdirSync(at(directory), { recursive: true });
  const write = (path: string) => writeFileSync(at(path), path, { mode: 0o644 });
  for (const path of ["outside.pem", "volume/ca.pem", "volume/sub/ca.pem", "secret/..1/tls.crt"]) write(path);
  for (const path of ["home/certs/ca.pem", "home/closed/ca.pem", "volume/private.pem"]) write(path);
  symlinkSync("..1", at("secret/..data"));
  symlinkSync("..data/tls.crt", at("secret/tls.crt"));
  symlinkSync("home", at("link-on-machine"));
  chmodSync(at("volume/private.pem"), 0o600);
  chmodSync(at("home/closed"), 0o700);
  const mounts: ContainerMount[] = [
    { source: at("volume"), origin: "pod", target: "/etc/volume" },
    { source: at("volume"), origin: "pod", target: "/etc/sub/", subPath: "sub" },
    { source: at("volume"), origin: "pod", target: "/etc/led", subPath: "led" },
    { source: at("secret"), origin: "mesh", target: "/etc/secret" },
    { source: at("secret"), origin: "mesh", target: "/etc/one.crt", subPath: "tls.crt" },
    { source: "/link-on-machine/certs", origin: "machine", target: "/etc/machine" },
    { source: "/home/closed", origin: "machine", target: "/etc/closed" },
  ];
  const files = createProxyFiles({
    mounts: async () => resolved(mounts),
    machineRoot,
    reader: stranger,
  });
  const read = async (path: string) => {
    const outcome = await files.read(path);
    return outcome.kind === "read" ? outcome.bytes.toString() : outcome.reason;
  };
  return { at, files, read };
}

test("createProxyFiles() reads what the container's volumes show", async (t) => {
  const { read } = scene(t);
  assert.equal(await read("/etc/volume/ca.pem"), "volume/ca.pem");
  assert.equal(await read("/etc/volume/sub/../ca.pem"), "volume/ca.pem");
  assert.equal(await read("/etc/sub/ca.pem"), "volume/sub/ca.pem");
  assert.equal(await read("/etc/secret/tls.crt"), "secret/..1/tls.crt");
  assert.equal(await read("/etc/one.crt"), "secret/..1/tls.crt");
  assert.equal(await read("/etc/machine/ca.pem"), "home/certs/ca.pem");
});

test("createProxyFiles() reads nothing else", async (t) => {
  const { at, read } = scene(t);
  assert.match(await read("/outside.pem"), /is in no volume/);
  assert.match(await read(at("volume/ca.pem")), /is in no volume/);
  assert.match(await read("/etc/volume/../../outside.pem"), /is in no volume/);
  assert.match(await read("/etc/volume/private.pem"), /is closed to user 61337/);
  assert.match(await read("/etc/closed/ca.pem"), /is closed to user 61337/);
  assert.match(await read("/etc/volume/sub"), /isn't a regular file/);
  assert.match(await read("/etc/volume/none.pem"), /ENOENT/);
});

const links: readonly { readonly link: string; readonly wanted: string; readonly outcome: RegExp }[] = [
  { link: "sub", wanted: "led/ca.pem", outcome: /^volume\/sub\/ca.pem$/ },
  { link: "/etc/volume/sub", wanted: "led/ca.pem", outcome: /^volume\/sub\/ca.pem$/ },
  { link: "../secret", wanted: "led/tls.crt", outcome: /^secret\/\.\.1\/tls.crt$/ },
  { link: "../../outside.pem", wanted: "led", outcome: /leads to \/outside.pem, which is in no volume/ },
  { link: "/outside.pem", wanted: "led", outcome: /leads to \/outside.pem, which is in no volume/ },
  { link: "private.pem", wanted: "led", outcome: /is closed to user/ },
  { link: "led", wanted: "led", outcome: /leads from link to link/ },
];

for (const { link, wanted, outcome } of links) {
  test(`createProxyFiles() takes a link to "${link}" as the pod does`, async (t) => {
    const { at, read } = scene(t);
    symlinkSync(link, at("volume/led"));
    assert.match(await read(`/etc/volume/${wanted}`), outcome);
  });
}

test("createProxyFiles() follows no link of a volume's subPath, which may lead anywhere", async (t) => {
  const { at, read } = scene(t);
  symlinkSync(at("home"), at("volume/led"));
  assert.match(await read("/etc/led/certs/ca.pem"), /subPath "led", which leads out by a link/);
});

test("createProxyFiles() tells of a changed file, and of changed objects", async (t) => {
  const { at, files } = scene(t);
  let tell: () => void = () => undefined;
  const nextChange = () =>
    new Promise<void>((resolve, reject) => {
      // The timer also keeps the process alive: what watches a certificate's directory doesn't.
      const timer = setTimeout(() => reject(new Error("no change was told")), DEADLINE_MS);
      tell = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const end = files.watch("/etc/machine/ca.pem", () => tell());
  t.after(end);
  const refreshed = nextChange();
  files.refresh();
  await refreshed;
  const changed = nextChange();
  const replace = () => {
    writeFileSync(at("home/certs/new.pem"), "new");
    renameSync(at("home/certs/new.pem"), at("home/certs/ca.pem"));
  };
  // The mounts are asked for before anything is watched.
  await files.read("/etc/machine/ca.pem");
  replace();
  await changed;
});
