// A cluster of any side: a name, and what the features of its kind make of it, in their order.

import { HttpProtocolOptionsSchema } from "../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { typedConfig } from "../encode.ts";
import type { PackedMessage } from "../message-encoder.ts";
import type { ClusterDraft, ClusterFeature, ClusterInit } from "./cluster-feature.ts";

export const HTTP_PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

export function buildCluster<Inputs>(
  name: string,
  features: readonly ClusterFeature<Inputs>[],
  inputs: Inputs,
): ClusterInit {
  const draft: ClusterDraft = {
    cluster: { name },
    http: {},
    connection: {},
    balancing: {},
    protocolOptions: {},
  };
  for (const feature of features) feature.apply(inputs, draft);
  const { cluster, http, connection, balancing, protocolOptions } = draft;
  if (!isEmpty(balancing)) cluster.commonLbConfig = balancing;
  if (!isEmpty(connection)) http.commonHttpProtocolOptions = connection;
  const options = { ...httpOptions(http), ...protocolOptions };
  if (!isEmpty(options)) cluster.typedExtensionProtocolOptions = options;
  return cluster;
}

function httpOptions(http: ClusterDraft["http"]): Readonly<Record<string, PackedMessage>> {
  return isEmpty(http) ? {} : { [HTTP_PROTOCOL_OPTIONS]: typedConfig(HttpProtocolOptionsSchema, http) };
}

function isEmpty(message: object): boolean {
  return Object.keys(message).length === 0;
}
