import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { TypedExtensionConfigSchema } from "../gen/envoy/config/core/v3/extension_pb.ts";
import { ClusterLoadAssignmentSchema } from "../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import { SecretSchema } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import { type BuiltResource, buildResource } from "./built-resource.ts";
import { configDumpJson, loadAssignmentsJson } from "./config-dump-json.ts";

const file = (text: string) => ({
  specifier: { case: "inlineBytes" as const, value: Buffer.from(text) },
});

const certificate = buildResource(
  SecretSchema,
  {
    name: "kubernetes://shop",
    type: {
      case: "tlsCertificate",
      value: { certificateChain: file("chain"), privateKey: file("the key"), password: file("word") },
    },
  },
  { name: "kubernetes://shop" },
);

function dumpOf(resources: Partial<Record<ResourceType, readonly BuiltResource[]>>) {
  const dump = configDumpJson((type) => resources[type] ?? [], { hasEndpoints: false });
  return (dump as unknown as { configs: readonly Record<string, unknown>[] }).configs;
}

test("configDumpJson() has the sections that Envoy has, in its spelling", () => {
  const cluster = buildResource(
    ClusterSchema,
    { name: "web", connectTimeout: { seconds: 1n } },
    { name: "web" },
  );
  const [clusters, ...others] = dumpOf({ cluster: [cluster] });
  assert.deepEqual(clusters, {
    "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
    dynamic_active_clusters: [
      {
        version_info: cluster.version,
        cluster: {
          "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
          name: "web",
          connect_timeout: "1s",
        },
      },
    ],
  });
  assert.deepEqual(
    others.map((section) => section["@type"]),
    ["Listeners", "Routes", "Secrets", "Ecds"].map(
      (name) => `type.googleapis.com/envoy.admin.v3.${name}ConfigDump`,
    ),
  );
});

test("configDumpJson() shows certificates and no private key", () => {
  const text = JSON.stringify(dumpOf({ secret: [certificate] }));
  const base64 = (of: string) => Buffer.from(of).toString("base64");
  assert.ok(text.includes(base64("chain")));
  assert.ok(text.includes(base64("[redacted]")));
  assert.ok(!text.includes(base64("the key")) && !text.includes(base64("word")));
});

test("configDumpJson() shows of a secret of another kind its name alone", () => {
  const secret = buildResource(
    SecretSchema,
    { name: "token", type: { case: "genericSecret", value: { secret: file("hidden") } } },
    { name: "token" },
  );
  const section = dumpOf({ secret: [secret] }).find(({ dynamic_active_secrets }) => dynamic_active_secrets);
  assert.deepEqual(section?.dynamic_active_secrets, [
    {
      name: "token",
      version_info: secret.version,
      secret: { "@type": `type.googleapis.com/${SecretSchema.typeName}`, name: "token" },
    },
  ]);
});

const rootCertificate = buildResource(
  SecretSchema,
  { name: "ROOTCA", type: { case: "validationContext", value: { trustedCa: file("root") } } },
  { name: "ROOTCA" },
);

test("configDumpJson() shows the roots that a proxy trusts: they are public", () => {
  const section = dumpOf({ secret: [rootCertificate] }).find(
    ({ dynamic_active_secrets }) => dynamic_active_secrets,
  );
  assert.ok(JSON.stringify(section).includes(Buffer.from("root").toString("base64")));
});

test("configDumpJson() has each resource in its type's section, by name and version", () => {
  const listener = buildResource(ListenerSchema, { name: "inbound" }, { name: "inbound" });
  const route = buildResource(RouteConfigurationSchema, { name: "80" }, { name: "80" });
  const extension = buildResource(TypedExtensionConfigSchema, { name: "slot" }, { name: "slot" });
  const endpoint = buildResource(ClusterLoadAssignmentSchema, { clusterName: "web" }, { name: "web" });
  const all = { listener: [listener], route: [route], "extension-config": [extension], endpoint: [endpoint] };
  const typeOf = (name: string) => `type.googleapis.com/${name}`;
  const [, listeners, routes, , extensions] = dumpOf(all);
  assert.deepEqual(listeners?.dynamic_listeners, [
    {
      name: "inbound",
      active_state: {
        version_info: listener.version,
        listener: { "@type": typeOf(ListenerSchema.typeName), name: "inbound" },
      },
    },
  ]);
  assert.deepEqual(routes?.dynamic_route_configs, [
    {
      version_info: route.version,
      route_config: { "@type": typeOf(RouteConfigurationSchema.typeName), name: "80" },
    },
  ]);
  assert.deepEqual(extensions?.ecds_filters, [
    {
      version_info: extension.version,
      ecds_filter: { "@type": typeOf(TypedExtensionConfigSchema.typeName), name: "slot" },
    },
  ]);
  const dump = configDumpJson((type) => (type === "endpoint" ? [endpoint] : []), { hasEndpoints: true });
  const last = (dump as unknown as { configs: readonly Record<string, unknown>[] }).configs.at(-1);
  assert.deepEqual(last, {
    "@type": typeOf("envoy.admin.v3.EndpointsConfigDump"),
    dynamic_endpoint_configs: [
      {
        version_info: endpoint.version,
        endpoint_config: { "@type": typeOf(ClusterLoadAssignmentSchema.typeName), cluster_name: "web" },
      },
    ],
  });
  assert.deepEqual(loadAssignmentsJson([endpoint]), [{ cluster_name: "web" }]);
});
