import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { FileTree } from "./file-tree.ts";
import type { Image } from "./image.ts";
import { imageReference } from "./image.ts";
import { packOciLayout, writeOciLayout } from "./oci-layout.ts";
import { bundleFiles } from "./program-bundle.ts";
import { sharedLibraries } from "./shared-libraries.ts";
import { unpackImage } from "./unpack-image.ts";

const deepPath = `/deep/${"folder/".repeat(20)}file`;

test("writeOciLayout() gives the same digest whatever the order and age of the files", async (t) => {
  const folder = temporaryFolder(t);
  const source = join(folder, "source");
  writeFileSync(source, "content");
  const digestOf = async (tree: FileTree, name: string) => {
    const digests = await writeOciLayout(join(folder, name), [imageOf(tree)], layoutOptions);
    return digests.get("meltemi/test");
  };
  const first = await digestOf(new FileTree().text("/etc/a", "a").file("/usr/b", source), "one");
  utimesSync(source, 1_000, 1_000);
  const second = await digestOf(new FileTree().file("/usr/b", source).text("/etc/a", "a"), "two");
  const third = await digestOf(new FileTree().file("/usr/b", source).text("/etc/a", "A"), "three");
  assert.match(first ?? "", /^sha256:[0-9a-f]{64}$/);
  assert.equal(first, second);
  assert.notEqual(first, third);
});

test("packOciLayout() packs an archive that tar reads, and layers too", async (t) => {
  const folder = temporaryFolder(t);
  const layout = join(folder, "layout");
  const tree = new FileTree().text(deepPath, "deep\n").text("/bin/tool", "#!/bin/sh\n", 0o755);
  await writeOciLayout(layout, [imageOf(tree)], layoutOptions);
  const archive = join(folder, "images.tar");
  await packOciLayout(layout, archive);
  const unpacked = join(folder, "unpacked");
  mkdirSync(unpacked);
  execFileSync("tar", ["-xf", archive, "-C", unpacked]);
  const index = readJson(join(unpacked, "index.json"));
  const reference = index.manifests[0].annotations["io.containerd.image.name"];
  assert.equal(reference, "docker.io/meltemi/test:7");
  const manifest = readBlob(unpacked, index.manifests[0].digest);
  assert.equal(readBlob(unpacked, manifest.config.digest).config.User, "1337:1337");
  const layer = blobPath(unpacked, manifest.layers[0].digest);
  const listing = execFileSync("tar", ["-tvf", layer], { encoding: "utf8" });
  assert.match(listing, /^-rwxr-xr-x 0\/0 +10 1970-01-01 00:00 usr\/bin\/tool$/m);
  assert.match(listing, / bin -> usr\/bin$/m);
  assert.equal(execFileSync("tar", ["-xOf", layer, deepPath.slice(1)], { encoding: "utf8" }), "deep\n");
});

test("unpackImage() writes what the layers hold, the higher over the lower", (t) => {
  const folder = temporaryFolder(t);
  const low = new FileTree().text("/etc/a", "low").text("/etc/b", "low");
  const high = new FileTree().text("/etc/a", "high");
  unpackImage({ ...imageOf(low), layers: [low, high] }, folder);
  assert.equal(readFileSync(join(folder, "etc/a"), "utf8"), "high");
  assert.equal(readFileSync(join(folder, "etc/b"), "utf8"), "low");
});

test("imageReference() names registry and tag", () => {
  assert.equal(imageReference("meltemi/agent", "1.2"), "docker.io/meltemi/agent:1.2");
  assert.equal(imageReference("redis:7", "1.2"), "docker.io/library/redis:7");
});

test("bundleFiles() follows imports and leaves other chunks out", (t) => {
  const dist = temporaryFolder(t);
  mkdirSync(join(dist, "chunks"));
  writeFileSync(
    join(dist, "agent.js"),
    'import{a}from"./chunks/a.js";const later=()=>import("./chunks/b.js");',
  );
  writeFileSync(join(dist, "chunks/a.js"), 'import "./c.js";export const a=1;');
  writeFileSync(join(dist, "chunks/b.js"), "export const b=1;");
  writeFileSync(join(dist, "chunks/c.js"), "");
  writeFileSync(join(dist, "chunks/old.js"), "");
  assert.deepEqual(bundleFiles(dist, "agent"), ["agent.js", "chunks/a.js", "chunks/b.js", "chunks/c.js"]);
  assert.throws(() => bundleFiles(dist, "cni"), /npm run build/);
});

test("sharedLibraries() finds Node's libraries with the linker", () => {
  const libraries = sharedLibraries(process.execPath);
  assert.ok(libraries.some((path) => /\/libc\.so\.6$/.test(path)));
  assert.ok(libraries.some((path) => /\/ld-linux-/.test(path)));
});

const layoutOptions = { architecture: "amd64", tag: "7" } as const;

function imageOf(tree: FileTree): Image {
  return { name: "meltemi/test", entrypoint: ["/bin/tool"], user: "1337:1337", layers: [tree] };
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), `meltemi-images-${process.pid}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function blobPath(layout: string, digest: string): string {
  return join(layout, "blobs/sha256", digest.replace("sha256:", ""));
}

const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const readBlob = (layout: string, digest: string) => readJson(blobPath(layout, digest));
