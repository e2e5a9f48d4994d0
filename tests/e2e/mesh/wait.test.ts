// `meltemi wait` after a file was saved: when it returns, not one more request goes the old way.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { LogScopeReport, PushReport } from "../../../src/admin/contract/control-plane.ts";
import { weightedRoutes } from "./echo-routes.ts";
import { meltemi } from "./meltemi-command.ts";
import type { PodClient } from "./pod-client.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const EDIT_COUNT = 5;

describe("meltemi wait", { skip }, () => {
  let mesh: RunningMesh;
  let clients: readonly PodClient[];

  before(
    async () => {
      mesh = await startMesh({ manifests: ["second-client.yaml"] });
      clients = await Promise.all(["client", "client-two"].map((name) => mesh.client(name)));
    },
    { timeout: 120_000 },
  );
  after(() => mesh?.close());

  test("returns when every proxy has the change, which top pushes shows", { timeout: 120_000 }, async () => {
    for (let edit = 1; edit <= EDIT_COUNT; edit += 1) {
      const version = edit % 2 === 0 ? "v1" : "v2";
      await mesh.save("route.yaml", weightedRoutes({ [version]: 100 }, { edit: String(edit) }));
      const { code, text } = await meltemi(mesh, "wait", "vs/echo", "-n", "test");
      assert.equal(code, 0, text);
      assert.match(text, /^VirtualService test\/echo: (\d+) of \1 proxies have it$/m);
      for (const client of clients) {
        const { headers } = await client.request("http://echo/");
        assert.equal(headers["x-edit"], String(edit));
      }
    }
    // The sidecars of both clients and of the servers have a route for the host.
    const { text } = await meltemi(mesh, "top", "pushes", "-o", "json");
    const pushes = JSON.parse(text) as readonly PushReport[];
    const edits = pushes.filter(({ causes: [first] }) => first?.what === "VirtualService test/echo");
    assert.equal(edits.length, EDIT_COUNT);
    for (const { proxyCount, inStepCount, bytes, causes, refusedCount } of edits) {
      assert.ok(proxyCount >= clients.length && inStepCount === proxyCount && refusedCount === 0, text);
      assert.ok(bytes > 500, text);
      assert.match(causes[0]?.location ?? "", /route\.yaml:2:1$/);
    }
    const { text: table } = await meltemi(mesh, "top", "pushes");
    assert.match(table, /^AGE .*\n\d+s +VirtualService test\/echo \(.*route\.yaml:2:1\) /);
  });

  test("admin log changes what the control plane says while it runs", async () => {
    const { text: before } = await meltemi(mesh, "admin", "log");
    assert.match(before, /^SCOPE +LEVEL +DESCRIPTION$/m);
    assert.match(before, /^ads +info +/m);
    assert.equal((await meltemi(mesh, "admin", "log", "--level", "kube:debug,ca:none")).code, 0);
    const { text } = await meltemi(mesh, "admin", "log", "-o", "json");
    const scopes = JSON.parse(text) as readonly LogScopeReport[];
    const changed = scopes.filter(({ output_level }) => output_level !== "info");
    const levels = changed.map(({ name, output_level }) => [name, output_level]);
    assert.deepEqual(levels, [
      ["ca", "none"],
      ["kube", "debug"],
    ]);
    const wrong = await meltemi(mesh, "admin", "log", "--level", "ads:debug,router:debug");
    assert.equal(wrong.code, 1);
    assert.match(wrong.text, /There is no scope "router"\nhint: there are admin, ads, /);
    assert.match((await meltemi(mesh, "admin", "log", "--reset")).text, /^ca +info /m);
  });

  test("fails for an object that isn't there", async () => {
    const { code, text } = await meltemi(mesh, "wait", "vs/ecko", "-n", "test", "--timeout", "1s");
    assert.equal(code, 1);
    assert.match(text, /There is no VirtualService test\/ecko\nhint: did you mean "echo"\?/);
  });
});
