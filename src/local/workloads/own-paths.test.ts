import assert from "node:assert/strict";
import { test } from "node:test";
import { ownPaths } from "./own-paths.ts";

const images = new Map([
  ["reviews", { command: ["node", "../programs/reviews.mjs"], workingDir: "/tmp/shop/apps" }],
  ["echo", { command: ["/opt/echo/bin/echo"], args: ["--config", "/opt/echo/echo.json"] }],
]);

const own = (words: readonly string[], cwd: string) =>
  ownPaths(words, cwd, { workingDirectory: "/home/user/mesh", images });

test("ownPaths() has what an image names, its relative paths read from its directory", () => {
  assert.deepEqual(own(["node", "../programs/reviews.mjs"], "/tmp/shop/apps"), [
    "/tmp/shop/programs/reviews.mjs",
    "/tmp/shop/apps",
  ]);
  assert.deepEqual(own(["/opt/echo/bin/echo", "--config", "/opt/echo/echo.json"], "/home/user/mesh"), [
    "/opt/echo/bin/echo",
    "/opt/echo/echo.json",
    "/home/user/mesh",
  ]);
});

test("ownPaths() has what lies where the mesh was started", () => {
  assert.deepEqual(own(["./server", "data/seed.json"], "/home/user/mesh/apps"), [
    "/home/user/mesh/apps/server",
    "/home/user/mesh/apps/data/seed.json",
    "/home/user/mesh/apps",
  ]);
});

test("ownPaths() leaves out what a manifest alone names", () => {
  assert.deepEqual(own(["/root/secret", "../../../root/.ssh/id", "../mesh-other/x"], "/home/user/mesh"), [
    "/home/user/mesh",
  ]);
  assert.deepEqual(own(["cat", "../other/reviews.mjs"], "/tmp/shop/apps"), ["/tmp/shop/apps"]);
  assert.deepEqual(own(["node"], "/srv"), []);
});

test("ownPaths() opens nothing more to a mesh that was started in the root directory", () => {
  assert.deepEqual(
    ownPaths(["/root/secret", "etc/shadow"], "/", { workingDirectory: "/", images: new Map() }),
    ["/"],
  );
});
