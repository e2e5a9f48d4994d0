import assert from "node:assert/strict";
import { test } from "node:test";
import { parseObject, unimplemented } from "./parse-object.ts";

function warnings(value: unknown): (string | undefined)[] {
  return parseObject(value)
    .findings.filter(({ code }) => code === "MLT1009")
    .map(({ path }) => path);
}

const head = { metadata: { name: "a" } };

test("unimplementedFields warn in each place where a field can stand", () => {
  const trafficPolicy = { tunnel: { targetHost: "a.b", targetPort: 80 } };
  const spec = { host: "a", trafficPolicy, subsets: [{ name: "v1", trafficPolicy }] };
  const found = warnings({ apiVersion: "networking.istio.io/v1", kind: "DestinationRule", ...head, spec });
  assert.deepEqual(found.sort(), ["spec.subsets[0].trafficPolicy.tunnel", "spec.trafficPolicy.tunnel"]);
});

test("unimplementedFields warn of a pod's fields in the template of a workload", () => {
  const containers = [{ name: "a", image: "a", tty: true }];
  const spec = {
    selector: { matchLabels: { app: "a" } },
    template: { metadata: { labels: { app: "a" } }, spec: { containers, initContainers: containers } },
  };
  assert.deepEqual(warnings({ apiVersion: "apps/v1", kind: "Deployment", ...head, spec }).sort(), [
    "spec.template.spec.containers[0].tty",
    "spec.template.spec.initContainers[0].tty",
  ]);
});

test("unimplementedFields don't warn of a value that asks for what happens anyway", () => {
  const service = (spec: object) => warnings({ apiVersion: "v1", kind: "Service", ...head, spec });
  assert.deepEqual(service({ sessionAffinity: "None", ipFamilies: ["IPv4"], ports: [{ port: 80 }] }), []);
  assert.deepEqual(
    service({ sessionAffinity: "ClientIP", ipFamilies: ["IPv4", "IPv6"], ports: [{ port: 80 }] }),
    ["spec.sessionAffinity", "spec.ipFamilies[1]"],
  );
});

test("unimplementedFields warn once of all fields of a message that wait for the same, each by name", () => {
  const spec = { url: "oci://example.com/some", phase: "AUTHN" };
  const plugin = { apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin", ...head };
  const [found, second] = parseObject({ ...plugin, spec }).findings;
  assert.equal(second, undefined);
  assert.equal(found?.path, "spec.url");
  assert.match(found?.message ?? "", /^url, phase are known but have no effect yet: /);
});

test("unimplementedFields warn once of each container's securityContext", () => {
  const securityContext = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem: true,
  };
  const containers = ["a", "b"].map((name) => ({ name, image: "shop/web", securityContext }));
  const pod = { apiVersion: "v1", kind: "Pod", ...head, spec: { containers } };
  assert.deepEqual(warnings(pod), [
    "spec.containers[0].securityContext.allowPrivilegeEscalation",
    "spec.containers[1].securityContext.allowPrivilegeEscalation",
  ]);
});

test("unimplementedFields don't warn of an AuthorizationPolicy, be it empty", () => {
  const policy = { apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", ...head };
  assert.deepEqual(warnings(policy), []);
  assert.deepEqual(warnings({ ...policy, spec: {} }), []);
  assert.deepEqual(warnings({ ...policy, spec: { action: "DENY", rules: [{}] } }), []);
});

test("unimplementedFields of MeshConfig are the providers of telemetry, not those that decide on requests", () => {
  const warned = (spec: object) =>
    unimplemented({ apiVersion: "mesh.meltemi.dev/v1", kind: "MeshConfig", ...head, spec }).map(
      ({ path }) => path,
    );
  const envoyExtAuthzGrpc = { service: "authz.shop.svc.cluster.local", port: 9000 };
  const authz = { name: "authz", envoyExtAuthzGrpc };
  assert.deepEqual(warned({ extensionProviders: [authz], trustDomainAliases: ["old"] }), []);
  const logs = { name: "logs", envoyHttpAls: { service: "als", port: 9411 } };
  const secrets = { name: "secrets", sds: { service: "sds", port: 9411 } };
  assert.deepEqual(warned({ extensionProviders: [authz, logs, secrets] }), [
    "spec.extensionProviders[2].sds",
  ]);
});

test("unimplementedFields warn of a value that has no effect, and not of the field's others", () => {
  const entry = (resolution: string) =>
    warnings({
      apiVersion: "networking.istio.io/v1",
      kind: "ServiceEntry",
      ...head,
      spec: { hosts: ["*.example.com"], ports: [{ number: 80, name: "http", protocol: "HTTP" }], resolution },
    });
  assert.deepEqual(entry("DYNAMIC_DNS"), ["spec.resolution"]);
  assert.deepEqual(entry("NONE"), []);
});
