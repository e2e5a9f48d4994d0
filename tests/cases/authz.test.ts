// Runs Istio's cases of AuthorizationPolicy: the filters for a workload must be equal as messages, whatever their bytes.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { type DescMessage, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { buildHttpAuthorization } from "../../src/envoy/authorization/http-authorization.ts";
import { buildTcpAuthorization } from "../../src/envoy/authorization/tcp-authorization.ts";
import { FilterSchema } from "../../src/gen/envoy/config/listener/v3/listener_components_pb.ts";
import { HttpFilterSchema } from "../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import type { AuthorizationInputs } from "../../src/view/authorization-inputs.ts";
import { asJson, authorizationRegistry } from "../support/authorization-fixture.ts";
import { sidecar, viewFixture } from "../support/view-fixture.ts";
import { caseDirectory, skipWithout } from "./case-directory.ts";
import { deviationsOf } from "./deviations.ts";

interface AuthorizationCase {
  readonly builder: "http" | "tcp";
  readonly customBuilder: boolean;
  readonly trustDomains: readonly string[];
  readonly meshConfig: { readonly extensionProviders?: readonly ProviderOfCase[] } | null;
  readonly proxy: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
  readonly services: readonly { readonly hostname: string; readonly namespace: string }[];
  /** Istio YAML. */
  readonly policies: string;
  readonly expected: readonly JsonValue[];
}

type ProviderOfCase = Readonly<Record<string, { readonly port?: number } | string>>;

const directory = caseDirectory("authz");
const deviations = deviationsOf("authz");
const registry = authorizationRegistry;

if (directory === undefined) {
  test("authz cases", { skip: skipWithout(directory) }, () => undefined);
} else {
  const names = readdirSync(directory).filter((file) => file.endsWith(".json"));
  test("authz cases are there", () => assert.ok(names.length > 0));
  for (const file of names) {
    const name = file.replace(/\.json$/, "");
    const text = readFileSync(`${directory}/${file}`, "utf8");
    test(`authz case ${name}`, () => runCase(name, JSON.parse(text) as AuthorizationCase));
  }
}

function runCase(name: string, each: AuthorizationCase): void {
  const inputs = { ...inputsOf(each), trustDomains: each.trustDomains, allowsSeveralProviders: false };
  const found = each.builder === "http" ? httpFilters(inputs, each) : tcpFilters(inputs, each);
  const schema = each.builder === "http" ? HttpFilterSchema : FilterSchema;
  const wanted = each.expected.map((filter) => normalized(schema, filter));
  if (deviations.has(name))
    assert.notDeepEqual(found, wanted, `${name} agrees: take it out of deviations.yaml`);
  else assert.deepEqual(found, wanted);
}

function httpFilters(
  inputs: AuthorizationInputs,
  { customBuilder }: AuthorizationCase,
): readonly JsonValue[] {
  const { custom, authorization } = buildHttpAuthorization(inputs);
  return (customBuilder ? custom : authorization).map((filter) => asJson(HttpFilterSchema, filter));
}

function tcpFilters(inputs: AuthorizationInputs, { customBuilder }: AuthorizationCase): readonly JsonValue[] {
  const { custom, audit, deny, allow } = buildTcpAuthorization(inputs);
  const checks = custom.flatMap(({ rules, provider }) =>
    provider === undefined ? [rules] : [rules, provider],
  );
  const filters = customBuilder ? checks : [audit, deny, allow].filter((filter) => filter !== undefined);
  return filters.map((filter) => asJson(FilterSchema, filter));
}

function normalized(schema: DescMessage, json: JsonValue): JsonValue {
  return toJson(schema, fromJson(schema, json, { registry }), { registry });
}

/** Objects in, what the workload's policies are translated from out. */
function inputsOf({ meshConfig, proxy, services, policies }: AuthorizationCase): AuthorizationInputs {
  const ports = (meshConfig?.extensionProviders ?? []).flatMap((provider) =>
    Object.values(provider).flatMap((server) => (typeof server === "string" ? [] : (server.port ?? []))),
  );
  const mesh = viewFixture();
  const config = { kind: "MeshConfig", metadata: { name: "mesh" }, spec: meshConfig ?? {} };
  const entries = services.map((service) => serviceEntryOf(service, ports));
  mesh.put([config, ...entries].map((object) => JSON.stringify(object)).join("\n---\n"));
  mesh.put(policies);
  mesh.connect(sidecar(proxy.namespace, "workload", proxy.labels));
  const { ofProxy, table } = mesh.views.policies.AuthorizationPolicy;
  const row = table.get(ofProxy.get(`${proxy.namespace}/workload`)?.id ?? "");
  assert.ok(row !== undefined, "the workload has no set of policies");
  return row.inputs;
}

function serviceEntryOf(
  { hostname, namespace }: AuthorizationCase["services"][number],
  ports: readonly number[],
) {
  const served = [...new Set([80, ...ports.filter((port) => port <= 65535)])];
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name: hostname.split(".")[0], namespace },
    spec: {
      hosts: [hostname],
      ports: served.map((number) => ({ name: `grpc-${number}`, number, protocol: "GRPC" })),
      resolution: "STATIC",
      location: "MESH_INTERNAL",
    },
  };
}
