import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { SecretSchema } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import { type BuiltResource, buildResource } from "./built-resource.ts";
import { configDumpJson } from "./config-dump-json.ts";

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
