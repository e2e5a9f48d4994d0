import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isError, parseObject } from "../../src/kinds/parse-object.ts";
import { measureMesh } from "./measure-mesh.ts";
import { meshObjects } from "./mesh-objects.ts";
import { parseBenchSettings } from "./mesh-size.ts";

describe("measureMesh()", () => {
  it("brings a small mesh in step and counts what both sides saw", async () => {
    const size = { serviceCount: 40, endpointCount: 2, proxyCount: 12, namespaceCount: 4 };
    const figures = await measureMesh({ size, roundCount: 1, profileDirectory: undefined });
    // Each sidecar has at least a cluster, its endpoints and a listener or route for most of the services.
    assert.ok(figures.connect.resourcesReceived > 12 * 40 * 2, JSON.stringify(figures.connect));
    assert.equal(figures.connect.resourcesReceived, figures.connect.resourcesSent);
    assert.ok(figures.connect.bytesSent > 0);
    assert.ok(figures.views >= 4);
    const { virtualServiceChange, endpointChange, policyChange, policyPresenceChange } = figures;
    for (const change of [virtualServiceChange, endpointChange, policyChange, policyPresenceChange]) {
      assert.ok(change.bytesPerProxy > 0);
      assert.ok(change.arrivalMs.first <= change.arrivalMs.last);
    }
    assert.ok(virtualServiceChange.bytesPerProxy > endpointChange.bytesPerProxy);
  });
});

describe("meshObjects()", () => {
  it("makes objects that the kinds accept", () => {
    const objects = meshObjects({ serviceCount: 30, endpointCount: 2, proxyCount: 1, namespaceCount: 3 });
    const kinds = new Set(objects.map(({ kind }) => kind));
    assert.deepEqual([...kinds].sort(), [
      "AuthorizationPolicy",
      "DestinationRule",
      "EndpointSlice",
      "Namespace",
      "Pod",
      "Service",
      "VirtualService",
    ]);
    for (const object of objects) assert.deepEqual(parseObject(object).findings.filter(isError), []);
  });
});

describe("parseBenchSettings()", () => {
  it("has the size of the published figures by default", () => {
    assert.deepEqual(parseBenchSettings([]), {
      size: { serviceCount: 1_000, endpointCount: 10, proxyCount: 100, namespaceCount: 50 },
      roundCount: 5,
      profileDirectory: undefined,
    });
  });

  const mistakes: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["a number that isn't one", ["--proxies", "many"], /--proxies must be a whole number above 0: "many"/],
    ["too many proxies", ["--proxies", "1001"], /--proxies is at most 1000/],
    ["more namespaces than services", ["--services", "3"], /--namespaces is at most --services/],
    ["an option that isn't there", ["--prox", "3"], /--prox/],
  ];
  for (const [name, args, sentence] of mistakes) {
    it(`says what is wrong with ${name}`, () => {
      const settings = parseBenchSettings(args);
      assert.ok(typeof settings === "string");
      assert.match(settings, sentence);
    });
  }
});
