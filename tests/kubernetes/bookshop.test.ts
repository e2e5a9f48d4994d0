import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { projectPath } from "../../src/process/project.ts";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { PodClient, Response } from "../e2e/mesh/pod-client.ts";
import { clientArgv, startPodClient } from "../e2e/mesh/pod-client.ts";
import type { ForwardedPort } from "./cluster/forward-port.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import type { Meltemi } from "./meltemi-command.ts";
import { meltemiAgainst } from "./meltemi-command.ts";
import type { TestNamespace } from "./test-namespace.ts";
import { createTestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();
const example = (path: string) => projectPath(`examples/bookshop/${path}`);

// The example as its README has it applied, seen by a visitor in front of its gateway.
describe("the bookshop on a cluster", { skip }, () => {
  let meltemi: Meltemi;
  let namespace: TestNamespace;
  let gateway: ForwardedPort;
  let visitor: PodClient;

  before(async () => {
    const cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    await meltemi(["install", "--profile", "minimal", "--timeout", "180s"]);
    namespace = await createTestNamespace(cluster, "bookshop");
    await namespace.kubectl(["apply", "-k", example("manifests")]);
    await namespace.waitFor("condition=Available", "deployment", "--all");
    await namespace.waitForRollout("statefulset/cart");
    const service = await namespace.get<Service>("service/bookshop-gateway");
    gateway = await cluster.forward(service.spec.clusterIP, 80);
    visitor = startPodClient(clientArgv);
  });

  after(async () => {
    await visitor?.close();
    await gateway?.close();
    await namespace?.close();
    await meltemi(["uninstall", "--yes", "--purge"]);
  });

  const page = async (user?: string): Promise<Response> => {
    const headers: Record<string, string> = user === undefined ? {} : { "end-user": user };
    const response = await visitor.request({ url: `http://127.0.0.1:${gateway.port}/`, headers });
    assert.equal(response.status, 200, response.error ?? response.body);
    return response;
  };
  const versionFor = async (user?: string) => (await page(user)).headers["x-reviews-version"];

  test("its page has all its parts", async () => {
    const { body } = await eventually(async () => {
      const whole = await page();
      assert.doesNotMatch(whole.body, /Not available/);
      return whole;
    });
    assert.match(body, /Windward Books/);
  });

  test("all versions of its reviews are asked in turn, until a route chooses by a header", async () => {
    const seen = new Set<string | undefined>();
    await eventually(async () => {
      seen.add(await versionFor());
      assert.deepEqual([...seen].sort(), ["v1", "v2", "v3"]);
    });
    await namespace.kubectl(["apply", "-f", example("tasks/header-routing")]);
    // One visit may see the right version by chance; ten in a row don't.
    await eventually(async () => {
      for (let visit = 0; visit < 10; visit += 1) {
        assert.deepEqual([await versionFor("ann"), await versionFor()], ["v3", "v1"]);
      }
    });
  });

  test("STRICT keeps those outside of the mesh out, and its page whole", async () => {
    const ask = ["exec", "deployment/legacy", "--", "curl", "-sS", "--max-time", "10"];
    const fromOutside = () => namespace.kubectl([...ask, "http://catalog:9080/healthz"]);
    await fromOutside();
    await namespace.kubectl(["apply", "-f", example("tasks/mtls-strict")]);
    await eventually(() => assert.rejects(fromOutside, /exit code 56/));
    assert.doesNotMatch((await page()).body, /Not available/);
  });
});

interface Service {
  readonly spec: { readonly clusterIP: string };
}
