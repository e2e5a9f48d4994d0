import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HttpRoute } from "../kinds/virtual-service/http-route.ts";
import type { VirtualService } from "../kinds/virtual-service/virtual-service.ts";
import { type DelegateLookup, mergeDelegates } from "./delegates.ts";

const delegate = { name: "d" };
const TO_WEB = [{ destination: { host: "web" } }];

describe("mergeDelegates()", () => {
  test("leaves rules of its own alone, and says where they stand", () => {
    const root = virtualService("root", ["a.com"], [{ route: TO_WEB }]);
    assert.deepEqual(
      mergeDelegates(
        root,
        lookup(() => undefined),
      ),
      [
        {
          rule: { route: TO_WEB },
          namespace: "shop",
          object: "VirtualService/shop/root",
          path: "spec.http[0]",
        },
      ],
    );
  });

  test("puts the delegate's rules in the place of the delegating one, in order", () => {
    const merged = merge(
      [
        { name: "first", route: TO_WEB },
        { name: "r", timeout: "1s", delegate: { name: "d" } },
        { name: "last" },
      ],
      [
        { name: "one", route: TO_WEB },
        { route: TO_WEB, timeout: "2s" },
      ],
    );
    assert.deepEqual(
      merged.map(({ rule, object, path }) => [rule.name, rule.timeout, object, path]),
      [
        ["first", undefined, "VirtualService/shop/root", "spec.http[0]"],
        ["r-one", "1s", "VirtualService/shop/d", "spec.http[0]"],
        ["r", "2s", "VirtualService/shop/d", "spec.http[1]"],
        ["last", undefined, "VirtualService/shop/root", "spec.http[2]"],
      ],
    );
  });

  test("combines every match of both", () => {
    const [merged] = merge(
      [
        {
          match: [{ uri: { prefix: "/api" }, headers: { a: { exact: "1" } } }, { uri: { prefix: "/" } }],
          delegate: { name: "d" },
        },
      ],
      [{ match: [{ uri: { prefix: "/api/v1" }, headers: { b: { exact: "2" } } }], route: TO_WEB }],
    );
    assert.deepEqual(merged?.rule.match, [
      { uri: { prefix: "/api/v1" }, headers: { a: { exact: "1" }, b: { exact: "2" } } },
      { uri: { prefix: "/api/v1" }, headers: { b: { exact: "2" } } },
    ]);
  });

  const conflicts: Readonly<Record<string, readonly [object, object]>> = {
    "paths that don't overlap": [{ uri: { prefix: "/a" } }, { uri: { prefix: "/b" } }],
    "a path that is wider": [{ uri: { prefix: "/a/b" } }, { uri: { prefix: "/a" } }],
    "another exact path": [{ uri: { exact: "/a" } }, { uri: { exact: "/b" } }],
    "a prefix of the exact path": [{ uri: { exact: "/a" } }, { uri: { prefix: "/a" } }],
    "a delegate's regular expression": [{ uri: { prefix: "/a" } }, { uri: { regex: "/a.*" } }],
    "a path compared otherwise": [{ uri: { prefix: "/a" }, ignoreUriCase: true }, { uri: { prefix: "/a" } }],
    "two methods": [{ method: { exact: "GET" } }, { method: { exact: "PUT" } }],
    "one header with two values": [{ headers: { a: { exact: "1" } } }, { headers: { a: { exact: "2" } } }],
    "values that are left out apart": [
      { withoutHeaders: { a: { exact: "1" } } },
      { withoutHeaders: { a: { exact: "2" } } },
    ],
    "two ports": [{ port: 80 }, { port: 81 }],
    "two namespaces": [{ sourceNamespace: "a" }, { sourceNamespace: "b" }],
    "a gateway that isn't the root's": [{ gateways: ["mesh"] }, { gateways: ["mesh", "edge"] }],
  };
  for (const [name, [root, part]] of Object.entries(conflicts)) {
    test(`leaves a rule out for ${name}`, () => {
      assert.deepEqual(merge([{ match: [root], delegate }], [{ match: [part], route: TO_WEB }]), []);
    });
  }

  test("leaves a rule out where one of its matches is within none of the root's", () => {
    const part = { match: [{ uri: { prefix: "/a/b" } }, { uri: { prefix: "/c" } }], route: TO_WEB };
    assert.deepEqual(merge([{ match: [{ uri: { prefix: "/a" } }], delegate }], [part]), []);
  });

  const narrower: Readonly<Record<string, readonly [object, object, object]>> = {
    "an equal exact path": [{ uri: { exact: "/a" } }, { uri: { exact: "/a" } }, { uri: { exact: "/a" } }],
    "an equal regular expression": [
      { authority: { regex: "a.*" } },
      { authority: { regex: "a.*" } },
      { authority: { regex: "a.*" } },
    ],
    "a narrower authority": [
      { authority: { prefix: "a." } },
      { authority: { exact: "a.com" } },
      { authority: { exact: "a.com" } },
    ],
    "a narrower header": [
      { headers: { a: { prefix: "re" }, b: {} } },
      { headers: { a: { exact: "red" }, b: { exact: "1" } } },
      { headers: { a: { exact: "red" }, b: { exact: "1" } } },
    ],
    "a header that the root wants more of": [
      { headers: { a: { exact: "red" } } },
      { headers: { a: {} } },
      { headers: { a: { exact: "red" } } },
    ],
    "less that is left out": [
      { withoutHeaders: { a: { prefix: "re" } } },
      { withoutHeaders: { a: { exact: "red" } } },
      { withoutHeaders: { a: { prefix: "re" } } },
    ],
    "a path in another case": [
      { uri: { prefix: "/A" }, ignoreUriCase: true },
      { uri: { exact: "/a/b" }, ignoreUriCase: true },
      { uri: { exact: "/a/b" }, ignoreUriCase: true },
    ],
    "some of the root's gateways": [
      { gateways: ["mesh", "edge"] },
      { gateways: ["shop/edge"] },
      { gateways: ["shop/edge"] },
    ],
    "the root's namespace": [{ sourceNamespace: "a" }, {}, { sourceNamespace: "a" }],
  };
  for (const [name, [root, part, wanted]] of Object.entries(narrower)) {
    test(`takes a delegate's match with ${name}`, () => {
      const [merged] = merge([{ match: [root], delegate }], [{ match: [part], route: TO_WEB }]);
      assert.deepEqual(merged?.rule.match, [wanted]);
    });
  }

  test("means the root's short names in the root's namespace", () => {
    const root = virtualService(
      "root",
      ["a.com"],
      [
        {
          match: [{ gateways: ["edge"] }],
          mirror: { host: "shadow" },
          delegate: { name: "d", namespace: "core" },
        },
      ],
    );
    const found = virtualService("d", [], [{ route: TO_WEB }]);
    const [merged] = mergeDelegates(
      root,
      lookup(() => ({ ...found, metadata: { name: "d", namespace: "core" } })),
    );
    assert.equal(merged?.namespace, "core");
    assert.deepEqual(merged.rule.match, [{ gateways: ["shop/edge"] }]);
    assert.deepEqual(merged.rule.mirror, { host: "shadow.shop.svc.cluster.local" });
  });

  test("follows neither a missing delegate nor one with hosts", () => {
    const root = virtualService("root", ["a.com"], [{ delegate: { name: "d", namespace: "other" } }]);
    assert.deepEqual(
      mergeDelegates(
        root,
        lookup(() => undefined),
      ),
      [],
    );
    assert.deepEqual(
      mergeDelegates(
        root,
        lookup(() => virtualService("d", ["b.com"], [{ route: TO_WEB }])),
      ),
      [],
    );
  });
});

function merge(root: readonly HttpRoute[], delegate: readonly HttpRoute[]) {
  const found = virtualService("d", [], delegate);
  return mergeDelegates(
    virtualService("root", ["a.com"], root),
    lookup((key) => (key === "shop/d" ? found : undefined)),
  );
}

function lookup(find: DelegateLookup["find"]): DelegateLookup {
  return { find, clusterDomain: "cluster.local" };
}

function virtualService(name: string, hosts: readonly string[], http: readonly HttpRoute[]): VirtualService {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name, namespace: "shop" },
    spec: { hosts, http },
  };
}
