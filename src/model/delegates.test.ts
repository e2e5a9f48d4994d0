import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HttpRoute } from "../kinds/virtual-service/http-route.ts";
import type { VirtualService } from "../kinds/virtual-service/virtual-service.ts";
import { mergeDelegates } from "./delegates.ts";

const TO_WEB = [{ destination: { host: "web" } }];

describe("mergeDelegates()", () => {
  test("leaves rules of its own alone, and says where they stand", () => {
    const root = virtualService("root", ["a.com"], [{ route: TO_WEB }]);
    assert.deepEqual(
      mergeDelegates(root, () => undefined),
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
    "a root's exact path": [{ uri: { exact: "/a" } }, { uri: { exact: "/a" } }],
    "a delegate's regular expression": [{ uri: { prefix: "/a" } }, { uri: { regex: "/a.*" } }],
    "two methods": [{ method: { exact: "GET" } }, { method: { exact: "PUT" } }],
    "one header with two values": [{ headers: { a: { exact: "1" } } }, { headers: { a: { exact: "2" } } }],
    "two ports": [{ port: 80 }, { port: 81 }],
  };
  for (const [name, [root, part]] of Object.entries(conflicts)) {
    test(`leaves a pair out for ${name}`, () => {
      assert.deepEqual(
        merge([{ match: [root], delegate: { name: "d" } }], [{ match: [part], route: TO_WEB }]),
        [],
      );
    });
  }

  test("follows neither a missing delegate nor one with hosts", () => {
    const root = virtualService("root", ["a.com"], [{ delegate: { name: "d", namespace: "other" } }]);
    assert.deepEqual(
      mergeDelegates(root, () => undefined),
      [],
    );
    assert.deepEqual(
      mergeDelegates(root, () => virtualService("d", ["b.com"], [{ route: TO_WEB }])),
      [],
    );
  });
});

function merge(root: readonly HttpRoute[], delegate: readonly HttpRoute[]) {
  const found = virtualService("d", [], delegate);
  return mergeDelegates(virtualService("root", ["a.com"], root), (key) =>
    key === "shop/d" ? found : undefined,
  );
}

function virtualService(name: string, hosts: readonly string[], http: readonly HttpRoute[]): VirtualService {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name, namespace: "shop" },
    spec: { hosts, http },
  };
}
