// Holds our schemas of Istio's kinds against the descriptors of Istio's API: nothing may lack, nothing be extra.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { getOption, hasOption, ScalarType } from "@bufbuild/protobuf";
import { TrafficExtensionSchema } from "../gen/extensions/v1alpha1/traffic_extension_pb.ts";
import { WasmPluginSchema } from "../gen/extensions/v1alpha1/wasm_pb.ts";
import { FieldBehavior, field_behavior } from "../gen/google/api/field_behavior_pb.ts";
import { MeshConfigSchema } from "../gen/mesh/v1alpha1/config_pb.ts";
import { DestinationRuleSchema } from "../gen/networking/v1alpha3/destination_rule_pb.ts";
import { EnvoyFilterSchema } from "../gen/networking/v1alpha3/envoy_filter_pb.ts";
import { GatewaySchema } from "../gen/networking/v1alpha3/gateway_pb.ts";
import { ServiceEntrySchema } from "../gen/networking/v1alpha3/service_entry_pb.ts";
import { SidecarSchema } from "../gen/networking/v1alpha3/sidecar_pb.ts";
import { VirtualServiceSchema } from "../gen/networking/v1alpha3/virtual_service_pb.ts";
import { WorkloadEntrySchema } from "../gen/networking/v1alpha3/workload_entry_pb.ts";
import { WorkloadGroupSchema } from "../gen/networking/v1alpha3/workload_group_pb.ts";
import { ProxyConfigSchema } from "../gen/networking/v1beta1/proxy_config_pb.ts";
import { AuthorizationPolicySchema } from "../gen/security/v1beta1/authorization_policy_pb.ts";
import { PeerAuthenticationSchema } from "../gen/security/v1beta1/peer_authentication_pb.ts";
import { RequestAuthenticationSchema } from "../gen/security/v1beta1/request_authentication_pb.ts";
import { TelemetrySchema } from "../gen/telemetry/v1alpha1/telemetry_pb.ts";
import { authorizationPolicySpec } from "./authorization-policy/authorization-policy-spec.ts";
import { destinationRuleSpec } from "./destination-rule/destination-rule-spec.ts";
import { envoyFilterSpec } from "./envoy-filter/envoy-filter-spec.ts";
import { gatewaySpec } from "./gateway/gateway-spec.ts";
import { meshConfigSpec } from "./mesh-config/mesh-config-spec.ts";
import { peerAuthenticationSpec } from "./peer-authentication.ts";
import { proxyConfigObjectSpec } from "./proxy-config.ts";
import { requestAuthenticationSpec } from "./request-authentication.ts";
import { serviceEntrySpec, workloadEntrySpec } from "./service-entry/service-entry-spec.ts";
import { sidecarSpec } from "./sidecar/sidecar-spec.ts";
import { telemetrySpec } from "./telemetry/telemetry-spec.ts";
import { trafficExtensionSpec } from "./traffic-extension.ts";
import { virtualServiceSpec } from "./virtual-service/virtual-service-spec.ts";
import { wasmPluginSpec } from "./wasm-plugin.ts";
import { workloadGroupSpec } from "./workload-group.ts";

const pairs = [
  ["VirtualService", virtualServiceSpec, VirtualServiceSchema],
  ["DestinationRule", destinationRuleSpec, DestinationRuleSchema],
  ["Gateway", gatewaySpec, GatewaySchema],
  ["ServiceEntry", serviceEntrySpec, ServiceEntrySchema],
  ["PeerAuthentication", peerAuthenticationSpec, PeerAuthenticationSchema],
  ["Sidecar", sidecarSpec, SidecarSchema],
  ["WorkloadEntry", workloadEntrySpec, WorkloadEntrySchema],
  ["WorkloadGroup", workloadGroupSpec, WorkloadGroupSchema],
  ["EnvoyFilter", envoyFilterSpec, EnvoyFilterSchema],
  ["ProxyConfig", proxyConfigObjectSpec, ProxyConfigSchema],
  ["RequestAuthentication", requestAuthenticationSpec, RequestAuthenticationSchema],
  ["AuthorizationPolicy", authorizationPolicySpec, AuthorizationPolicySchema],
  ["Telemetry", telemetrySpec, TelemetrySchema],
  ["WasmPlugin", wasmPluginSpec, WasmPluginSchema],
  ["TrafficExtension", trafficExtensionSpec, TrafficExtensionSchema],
  ["MeshConfig", meshConfigSpec, MeshConfigSchema],
] as const;

for (const [name, schema, descriptor] of pairs) {
  test(`${name}'s schema is Istio's API`, () => {
    const walk = { differences: [] as string[], fieldCount: 0, done: new Set<string>() };
    compareMessage(schema as Shape, descriptor, name, walk);
    assert.deepEqual(walk.differences, []);
    assert.ok(walk.fieldCount >= 3, `only ${walk.fieldCount} fields were compared`);
  });
}

test("the comparison sees a field that lacks, one that is extra, an enum value and a oneof", () => {
  const shape = structuredClone(destinationRuleSpec) as unknown as Required<Shape>;
  delete shape.properties.exportTo;
  shape.properties.extra = { type: "string" };
  const policy = shape.properties.trafficPolicy?.properties ?? {};
  const balancer = policy.loadBalancer;
  balancer?.properties?.simple?.enum?.pop();
  if (balancer !== undefined) balancer.oneofs = [];
  const walk = { differences: [] as string[], fieldCount: 0, done: new Set<string>() };
  compareMessage(shape, DestinationRuleSchema, "DestinationRule", walk);
  for (const wanted of [
    /exportTo lacks/,
    /extra is extra/,
    /simple: values are/,
    /loadBalancer: oneofs are/,
  ]) {
    assert.ok(
      walk.differences.some((difference) => wanted.test(difference)),
      `${wanted}`,
    );
  }
});

interface Shape {
  type?: string;
  properties?: Record<string, Shape>;
  patternProperties?: Record<string, Shape>;
  items?: Shape;
  required?: string[];
  enum?: string[];
  oneofs?: string[][];
  format?: string;
}

interface Walk {
  readonly differences: string[];
  readonly done: Set<string>;
  fieldCount: number;
}

function compareMessage(shape: Shape, descriptor: DescMessage, path: string, walk: Walk) {
  if (walk.done.has(path) || path.split(".").length > 12) return;
  walk.done.add(path);
  const ours = shape.properties ?? {};
  const theirs = new Map(descriptor.fields.map((field) => [field.jsonName, field]));
  for (const name of Object.keys(ours)) {
    if (!theirs.has(name)) walk.differences.push(`${path}.${name} is extra`);
  }
  for (const [name, field] of theirs) {
    walk.fieldCount++;
    const property = ours[name];
    if (property === undefined) walk.differences.push(`${path}.${name} lacks`);
    else compareField(property, field, `${path}.${name}`, walk);
  }
  const required = descriptor.fields.filter(isRequired).map((field) => field.jsonName);
  compareLists(shape.required ?? [], required, `${path}: required`, walk);
  const oneofs = descriptor.oneofs.filter((oneof) => oneof.fields.length > 1);
  compareLists(
    (shape.oneofs ?? []).map((group) => [...group].sort().join("|")),
    oneofs.map((oneof) =>
      oneof.fields
        .map((field) => field.jsonName)
        .sort()
        .join("|"),
    ),
    `${path}: oneofs`,
    walk,
  );
}

function compareField(shape: Shape, field: DescField, path: string, walk: Walk) {
  if (field.fieldKind === "list") return compareValue(shape.items ?? {}, field, path, walk);
  if (field.fieldKind === "map") {
    return compareValue(Object.values(shape.patternProperties ?? {})[0] ?? {}, field, path, walk);
  }
  return compareValue(shape, field, path, walk);
}

function compareValue(shape: Shape, field: DescField, path: string, walk: Walk) {
  if (field.enum !== undefined) {
    compareLists(
      shape.enum ?? [],
      field.enum.values.map((value) => value.name),
      `${path}: values`,
      walk,
    );
    return;
  }
  if (field.message === undefined || field.message.typeName.startsWith("google.protobuf.")) {
    const wanted = field.message === undefined ? scalarForm(field) : wellKnownForm(field.message.typeName);
    const found = shape.format ?? shape.type ?? "object";
    if (found !== wanted) walk.differences.push(`${path} is ${found}, not ${wanted}`);
    return;
  }
  compareMessage(shape, field.message, path, walk);
}

function scalarForm(field: DescField) {
  switch (field.scalar) {
    case ScalarType.STRING:
      return "string";
    case ScalarType.BYTES:
      return "base64";
    case ScalarType.BOOL:
      return "boolean";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return "number";
    default:
      return "integer";
  }
}

function wellKnownForm(typeName: string) {
  const forms: Record<string, string> = {
    "google.protobuf.Duration": "duration",
    "google.protobuf.BoolValue": "boolean",
    "google.protobuf.StringValue": "string",
    "google.protobuf.DoubleValue": "number",
    "google.protobuf.Struct": "object",
  };
  return forms[typeName] ?? "integer";
}

function isRequired(field: DescField) {
  return (
    hasOption(field, field_behavior) && getOption(field, field_behavior).includes(FieldBehavior.REQUIRED)
  );
}

function compareLists(ours: readonly string[], theirs: readonly string[], what: string, walk: Walk) {
  const [one, other] = [[...ours].sort().join(), [...theirs].sort().join()];
  if (one !== other) walk.differences.push(`${what} are [${one}], not [${other}]`);
}
