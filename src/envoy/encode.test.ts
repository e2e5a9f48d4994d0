import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType, ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { FilterSchema } from "../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { VirtualHostSchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import {
  HttpConnectionManagerSchema,
  HttpFilterSchema,
} from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { TcpProxySchema } from "../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { SdsSecretConfigSchema } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import { encode, messageIn, typedConfig } from "./encode.ts";
import { agentSecret, controlPlaneSecret } from "./secret/secret-config.ts";

const FROM_ADS = { configSourceSpecifier: { case: "ads" as const, value: {} } };

describe("encode()", () => {
  it("packs messages as anyPack does, however deep", () => {
    const proxy = { statPrefix: "a", clusterSpecifier: { case: "cluster" as const, value: "web" } };
    const filter = (value: object) => ({ name: "tcp", configType: { case: "typedConfig" as const, value } });
    const packed = encode(FilterSchema, filter(typedConfig(TcpProxySchema, proxy))).bytes;
    const expected = encode(
      FilterSchema,
      filter(anyPack(TcpProxySchema, create(TcpProxySchema, proxy))),
    ).bytes;
    assert.deepEqual(packed, expected);
    const { configType } = fromBinary(FilterSchema, packed);
    assert.equal(configType.case, "typedConfig");
  });

  it("packs an empty message", () => {
    const filter = {
      name: "a",
      configType: { case: "typedConfig" as const, value: typedConfig(TcpProxySchema, {}) },
    };
    assert.deepEqual(
      encode(FilterSchema, filter).bytes,
      encode(FilterSchema, {
        name: "a",
        configType: { case: "typedConfig", value: anyPack(TcpProxySchema, create(TcpProxySchema, {})) },
      }).bytes,
    );
  });

  it("reads what a virtual host routes and mirrors to, each cluster once", () => {
    const to = (cluster: string) => ({
      action: {
        case: "route" as const,
        value: {
          clusterSpecifier: { case: "cluster" as const, value: cluster },
          requestMirrorPolicies: [{ cluster: "shadow" }],
        },
      },
    });
    const weighted = {
      action: {
        case: "route" as const,
        value: {
          clusterSpecifier: {
            case: "weightedClusters" as const,
            value: { clusters: [{ name: "v1" }, { name: "v2" }] },
          },
        },
      },
    };
    const { references } = encode(VirtualHostSchema, { routes: [to("web"), to("web"), weighted] });
    assert.deepEqual(names(references), ["cluster shadow", "cluster v1", "cluster v2", "cluster web"]);
  });

  it("reads routes, clusters and extension configurations of packed filters", () => {
    const manager = typedConfig(HttpConnectionManagerSchema, {
      routeSpecifier: { case: "rds", value: { routeConfigName: "80", configSource: FROM_ADS } },
      httpFilters: [
        { name: "policy", configType: { case: "configDiscovery", value: { configSource: FROM_ADS } } },
        { name: "router" },
      ],
    });
    const filter = { name: "http", configType: { case: "typedConfig" as const, value: manager } };
    assert.deepEqual(names(encode(FilterSchema, filter).references), ["extension-config policy", "route 80"]);
    assert.deepEqual(names(encode(HttpFilterSchema, { name: "router" }).references), []);
  });

  it("reads a cluster's endpoints, by the name of its service or its own", () => {
    const eds = (serviceName: string) => ({
      name: "web",
      clusterDiscoveryType: { case: "type" as const, value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: { serviceName, edsConfig: FROM_ADS },
    });
    assert.deepEqual(names(encode(ClusterSchema, eds("other")).references), ["endpoint other"]);
    assert.deepEqual(names(encode(ClusterSchema, eds("")).references), ["endpoint web"]);
  });

  it("reads secrets that the control plane serves, and none that the agent does", () => {
    const secrets = (config: ReturnType<typeof agentSecret>) =>
      names(encode(SdsSecretConfigSchema, config).references).filter((name) => name.startsWith("secret"));
    assert.deepEqual(secrets(controlPlaneSecret("kubernetes://a")), ["secret kubernetes://a"]);
    assert.deepEqual(secrets(agentSecret("default")), []);
  });
});

describe("messageIn()", () => {
  it("gives what was packed, to be changed before it is encoded", () => {
    const message = { statPrefix: "a" };
    assert.equal(messageIn(TcpProxySchema, typedConfig(TcpProxySchema, message)), message);
    assert.throws(() => messageIn(ClusterSchema, typedConfig(TcpProxySchema, message)), /Cluster isn't/);
  });
});

function names(references: readonly { readonly type: string; readonly name: string }[]): readonly string[] {
  return references.map(({ type, name }) => `${type} ${name}`).sort();
}
