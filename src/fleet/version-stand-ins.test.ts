import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../xds/resource.ts";
import { VersionStandIns } from "./version-stand-ins.ts";

const resource = (name: string, version: string): Resource => ({ name, version, body: [], needs: [] });

test("VersionStandIns gives a proxy what stands in, as long as the refused version is the newest", () => {
  const versions = new VersionStandIns();
  assert.equal(versions.isEmpty, true);
  const standIn = resource("a", "other");
  versions.put(resource("a", "1"), { resource: standIn });
  assert.equal(versions.isEmpty, false);
  assert.equal(versions.resources(() => resource("a", "1")).get("a"), standIn);
  assert.equal(versions.find(standIn)?.resource, standIn);
  assert.equal(versions.find(resource("a", "1")), undefined);
  assert.equal(versions.resources(() => resource("a", "2")).size, 0);
  assert.equal(versions.isEmpty, true);
  assert.equal(versions.find(standIn), undefined);
});

test("VersionStandIns forgets what is no more, and keeps the others", () => {
  const versions = new VersionStandIns();
  for (const name of ["a", "b"]) versions.put(resource(name, "1"), { resource: resource(name, "other") });
  const left = versions.resources((name) => (name === "b" ? resource(name, "1") : undefined));
  assert.deepEqual([...left.keys()], ["b"]);
  versions.delete("b");
  assert.equal(versions.isEmpty, true);
});
