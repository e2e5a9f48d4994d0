import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding } from "./define-kind.ts";
import { parseObject } from "./parse-object.ts";

function virtualService(spec: unknown, metadata: unknown = { name: "reviews" }) {
  return { apiVersion: "networking.istio.io/v1beta1", kind: "VirtualService", metadata, spec };
}

function pod(container: object) {
  const spec = { containers: [{ name: "web", image: "web:1", ...container }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec };
}

const route = { destination: { host: "reviews" } };

function shown({ code = "MLT1005", path, message, hint }: Finding) {
  return `${code} ${path}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
}

function findingsOf(value: unknown) {
  return parseObject(value).findings.map(shown);
}

test("parseObject() gives the storage version and the default namespace", () => {
  const { object, key, findings } = parseObject(
    virtualService({ hosts: ["reviews"], http: [{ route: [route] }] }),
  );
  assert.deepEqual(findings, []);
  assert.equal(key, "VirtualService/default/reviews");
  assert.equal(object?.apiVersion, "networking.istio.io/v1");
  assert.equal(object?.metadata.namespace, "default");
});

test("parseObject() takes null for an absent field", () => {
  const { object, findings } = parseObject(
    virtualService({ hosts: ["a"], gateways: null, http: [{ route: [route] }] }),
  );
  assert.deepEqual(
    findings.map(({ path, severity }) => [path, severity]),
    [["spec.gateways", "warning"]],
  );
  assert.ok(object !== undefined && !("gateways" in (object.spec as object)));
});

test("parseObject() names path, what is found, what is wanted and the nearest spelling", () => {
  const cases: [unknown, string][] = [
    [
      virtualService({ hosts: ["a"], http: [{ route: [{ ...route, wieght: 90 }] }] }),
      'MLT1003 spec.http[0].route[0].wieght: there is no field "wieght" in spec.http[0].route[0] (did you mean "weight"?)',
    ],
    [
      virtualService({ hosts: ["a"], http: [{ route: [{ ...route, weight: "90" }] }] }),
      'MLT1004 spec.http[0].route[0].weight: found "90", wanted a whole number (remove the quotes)',
    ],
    [virtualService({ hosts: "a" }), 'MLT1004 spec.hosts: found "a", wanted a list'],
    [
      virtualService({ hosts: ["a"], http: [{ timeout: "5", route: [route] }] }),
      'MLT1005 spec.http[0].timeout: found "5", wanted a duration such as "5s" or "1m30s" (a duration needs a unit: did you mean "5s"?)',
    ],
    [
      virtualService({ hosts: ["a"], http: [{ timeout: 5, route: [route] }] }),
      'MLT1004 spec.http[0].timeout: found number 5, wanted a duration such as "5s" or "1m30s" (did you mean "5s"?)',
    ],
    [
      virtualService({
        hosts: ["a"],
        http: [{ match: [{ uri: { exact: "/", prefix: "/" } }], route: [route] }],
      }),
      'MLT1005 spec.http[0].match[0].uri.prefix: "exact" and "prefix" are both set, only one of them may be',
    ],
    [
      virtualService({ hosts: ["a"], http: [{ route: [{ destination: {} }] }] }),
      'MLT1006 spec.http[0].route[0].destination.host: "host" is required',
    ],
    [
      virtualService({
        hosts: ["a"],
        http: [{ corsPolicy: { unmatchedPreflights: "FORWRD" }, route: [route] }],
      }),
      'MLT1005 spec.http[0].corsPolicy.unmatchedPreflights: found "FORWRD", wanted one of "UNSPECIFIED", "FORWARD", "IGNORE" (did you mean "FORWARD"?)',
    ],
    [
      pod({ ports: [{ containerPort: 99999 }] }),
      "MLT1005 spec.containers[0].ports[0].containerPort: found number 99999, wanted a number from 1 to 65535",
    ],
    [
      pod({ env: [{ name: "A", value: 1 }] }),
      'MLT1004 spec.containers[0].env[0].value: found number 1, wanted a string (put it in quotes: "1")',
    ],
    [
      pod({ env: { name: "A" } }),
      "MLT1004 spec.containers[0].env: found an object, wanted a list (begin each item with a dash)",
    ],
    [
      virtualService({ hosts: ["a"], http: [{ route: [route] }] }, { name: "Reviews" }),
      'MLT1005 metadata.name: "Reviews" isn\'t a name, wanted lower-case letters, digits, inner hyphens and dots, at most 253 characters',
    ],
    [virtualService({ hosts: ["a"] }, {}), 'MLT1006 metadata.name: "name" is required'],
    [virtualService({ hosts: ["a"] }, { name: null }), 'MLT1006 metadata.name: "name" is required'],
    [
      virtualService({ hosts: ["a"], http: [{ route: [route] }] }, { name: "a/b" }),
      'MLT1005 metadata.name: "a/b" isn\'t a name, wanted lower-case letters, digits, inner hyphens and dots, at most 253 characters',
    ],
    [virtualService({ hosts: ["a"] }, 3), "MLT1004 metadata: found number 3, wanted an object"],
  ];
  for (const [value, expected] of cases) {
    const parsed = parseObject(value);
    assert.ok(
      parsed.findings.map(shown).includes(expected),
      `${parsed.findings.map(shown).join("\n")}\nlacks\n${expected}`,
    );
    assert.equal(parsed.object, undefined);
  }
});

test("parseObject() refuses kinds that it doesn't know, and says which it may be", () => {
  const object = (apiVersion: unknown, kind: unknown) => ({ apiVersion, kind, metadata: { name: "a" } });
  const cases: [unknown, RegExp][] = [
    [
      object("networking.istio.io/v1", "VirtualServce"),
      /no kind "VirtualServce".*did you mean "VirtualService"/,
    ],
    [
      object("networking.istio.io/v9", "VirtualService"),
      /found "networking.istio.io\/v9".*wanted networking.istio.io\/v1 or/,
    ],
    [object("apps/v1beta1", "Deployment"), /wanted apps\/v1/],
    [object(undefined, "Service"), /no apiVersion.*a Service has "apiVersion: v1"/],
    [object("v1", undefined), /no kind/],
    [object("mesh.meltemi.dev/v1", "MeshConfig"), /a MeshConfig is no object of its own/],
    [[], /found no object/],
    ["text", /found no object/],
  ];
  for (const [value, expected] of cases) assert.match(findingsOf(value).join("\n"), expected);
});

test("parseObject() accepts kinds without effect, and says so", () => {
  const priority = parseObject({
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "a" },
  });
  assert.equal(priority.isInert, true);
  assert.equal(priority.findings[0]?.severity, "info");
  const ingress = parseObject({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "a" },
  });
  assert.equal(ingress.findings[0]?.severity, "warning");
  const gateway = parseObject({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "a" },
  });
  assert.equal(gateway.isInert, true);
});

test("parseObject() never quotes a Secret's values", () => {
  const value = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "a" },
    data: { password: 12345, token: "hunter2!" },
  };
  const text = findingsOf(value).join("\n");
  assert.match(text, /data\.password: found a number, wanted base64/);
  assert.match(text, /data\.token/);
  assert.doesNotMatch(text, /12345|hunter2/);
});

test("parseObject() warns of a namespace where there can be none", () => {
  const metadata = { name: "shop", namespace: "shop" };
  const { findings, object } = parseObject({ apiVersion: "v1", kind: "Namespace", metadata });
  assert.deepEqual(
    findings.map(({ path, severity }) => [path, severity]),
    [["metadata.namespace", "warning"]],
  );
  assert.deepEqual(object?.metadata, { name: "shop" });
});

test("parseObject() keeps the key of an object with errors", () => {
  assert.equal(parseObject(virtualService({ hots: [] })).key, "VirtualService/default/reviews");
});

test("parseObject() says where a MeshConfig stands, whatever its apiVersion", () => {
  for (const apiVersion of ["mesh.meltemi.dev/v1", "install.istio.io/v1alpha1", "v1"]) {
    assert.deepEqual(findingsOf({ apiVersion, kind: "MeshConfig", metadata: { name: "mesh" }, spec: {} }), [
      'MLT1002 kind: a MeshConfig is no object of its own (write it as the text "mesh" of the ConfigMap "istio" in namespace "istio-system", or give its file to --mesh-config)',
    ]);
  }
});
