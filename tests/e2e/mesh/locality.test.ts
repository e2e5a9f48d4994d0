// Load balancing by locality, between an echo in each of three zones: north/one, north/two and south/one.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import { addRuledService, knowsService } from "./ruled-service.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const EJECTION = "consecutive5xxErrors: 1, interval: 500ms, baseEjectionTime: 30s, maxEjectionPercent: 100";

describe("locality", { skip }, () => {
  let mesh: RunningMesh;
  let north: PodClient;
  let south: PodClient;

  before(
    async () => {
      mesh = await startMesh({ manifests: ["zones.yaml"] });
      north = await mesh.client("caller-north");
      south = await mesh.client("caller-south");
    },
    { timeout: 120_000 },
  );
  after(() => mesh?.close());

  async function add(name: string, trafficPolicy: string): Promise<string> {
    const service = { name, selector: "app: zoned", trafficPolicy };
    await addRuledService(mesh, north, service);
    const url = `http://${name}/`;
    await knowsService(south, url);
    return url;
  }

  /** In the end, and then always: pods become ready one after another. */
  async function assertAnswers(client: PodClient, url: string, versions: readonly string[]): Promise<void> {
    await eventually(async () => {
      const { byVersion } = await client.many(30, { url });
      assert.deepEqual(Object.keys(byVersion).sort(), versions);
    });
  }

  test("keeps requests in the caller's zone, then in its region, then anywhere", async () => {
    const url = await add("failing-over", `{outlierDetection: {${EJECTION}}}`);
    await assertAnswers(north, url, ["n1"]);
    await assertAnswers(south, url, ["s1"]);
    // n1 fails, and is ejected for it.
    await north.many(20, { url: `${url}?failing=n1` });
    await assertAnswers(north, url, ["n2"]);
    await north.many(20, { url: `${url}?failing=n2` });
    await assertAnswers(north, url, ["s1"]);
    await assertAnswers(south, url, ["s1"]);
  });

  test("sends nothing elsewhere without outlier detection, and knows no zones when it is off", async () => {
    const off = await add(
      "without-zones",
      `{outlierDetection: {${EJECTION}}, loadBalancer: {localityLbSetting: {enabled: false}}}`,
    );
    await assertAnswers(north, off, ["n1", "n2", "s1"]);
    const without = await add("without", "{connectionPool: {tcp: {maxConnections: 100}}}");
    await assertAnswers(north, without, ["n1", "n2", "s1"]);
  });

  test("distributes by the weights of the caller's locality", async () => {
    const rule = "{from: north/*, to: {'north/two/*': 30, 'south/*': 70}}";
    const url = await add("distributed", `{loadBalancer: {localityLbSetting: {distribute: [${rule}]}}}`);
    await assertAnswers(north, url, ["n2", "s1"]);
    const { byVersion } = await north.many(1_000, { url });
    const share = (byVersion.s1 ?? 0) / 1_000;
    assert(share > 0.6 && share < 0.8, `south got ${share}, wanted 0.7`);
    await assertAnswers(south, url, ["n1", "n2", "s1"]);
  });

  test("tries in the order of a rule's labels, of the caller or of the rule itself", async () => {
    const lb = "{localityLbSetting: {failoverPriority: ['topology.kubernetes.io/region', 'version=n2']}}";
    const url = await add("prioritized", `{outlierDetection: {${EJECTION}}, loadBalancer: ${lb}}`);
    await assertAnswers(south, url, ["s1"]);
    await assertAnswers(north, url, ["n2"]);
    await north.many(20, { url: `${url}?failing=n2` });
    await assertAnswers(north, url, ["n1"]);
  });

  test("keeps to the nearest name of an external service, and fails over to another", async () => {
    const service = (version: string) => `
apiVersion: v1
kind: Service
metadata: {name: partner-${version}, namespace: test}
spec:
  selector: {app: zoned, version: ${version}}
  ports: [{name: http, port: 80, targetPort: 8080}]
`;
    const external = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: partner, namespace: test}
spec:
  hosts: [partner.example]
  addresses: [198.51.100.7]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints:
    - {address: partner-n1.test.svc.cluster.local, locality: north/one}
    - {address: partner-s1.test.svc.cluster.local, locality: south/one}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: partner, namespace: test}
spec:
  host: partner.example
  trafficPolicy: {outlierDetection: {${EJECTION}}}
`;
    await mesh.save("partner.yaml", [service("n1"), service("s1"), external].join("---"));
    const call = { url: "http://198.51.100.7/", host: "partner.example" };
    for (const client of [north, south]) await eventually(() => client.echo(call));
    const assertOnly = (client: PodClient, version: string) =>
      eventually(async () => {
        const { byVersion } = await client.many(20, call);
        assert.deepEqual(Object.keys(byVersion), [version]);
      });
    await assertOnly(north, "n1");
    await assertOnly(south, "s1");
    await north.many(20, { ...call, url: `${call.url}?failing=n1` });
    await assertOnly(north, "s1");
  });

  test("prefers the caller's zone where the Service asks for it", async () => {
    await mesh.save(
      "close.yaml",
      `
apiVersion: v1
kind: Service
metadata: {name: close, namespace: test}
spec:
  selector: {app: zoned}
  trafficDistribution: PreferClose
  ports: [{name: http, port: 80, targetPort: 8080}]
`,
    );
    await knowsService(north, "http://close/");
    await assertAnswers(north, "http://close/", ["n1"]);
    await assertAnswers(south, "http://close/", ["s1"]);
  });
});
