// The listeners of one set of policies: HTTP behind TLS with or without a client's certificate, and TCP likewise. What
// stands before authorization is there too: tokens are verified, a filter adds metadata.

import { socketAddress } from "../../../src/envoy/address.ts";
import { buildHttpAuthorization } from "../../../src/envoy/authorization/http-authorization.ts";
import { buildTcpAuthorization } from "../../../src/envoy/authorization/tcp-authorization.ts";
import { typedConfig } from "../../../src/envoy/encode.ts";
import { buildRequestAuthentication } from "../../../src/envoy/request-authentication/request-authentication.ts";
import { type TypedFilter, typedFilter } from "../../../src/envoy/typed-filter.ts";
import { ListenerSchema } from "../../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import { RouterSchema } from "../../../src/gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { ConfigSchema as SetMetadataSchema } from "../../../src/gen/envoy/extensions/filters/http/set_metadata/v3/set_metadata_pb.ts";
import { TlsInspectorSchema } from "../../../src/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts";
import { HttpConnectionManagerSchema } from "../../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { TcpProxySchema } from "../../../src/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { DownstreamTlsContextSchema } from "../../../src/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import type { AuthorizationInputs } from "../../../src/view/authorization-inputs.ts";
import { builtResource, type TypedResource } from "../mesh-resources.ts";
import { FILTER_METADATA } from "./call.ts";
import type { Credentials } from "./credentials.ts";
import type { Place } from "./enforcing-envoy.ts";

/** Whose tokens are taken. */
export const ISSUERS = ["https://idp.example/realm", "https://other.example", "plain"] as const;

export function enforcingListeners(
  { addresses: [address, another], httpPorts: [port, secondPort], tcpPort }: Place,
  inputs: AuthorizationInputs,
  credentials: Credentials,
): readonly TypedResource[] {
  const ports: readonly (readonly [string, number])[] = [
    [address, port],
    [address, secondPort],
    [another, port],
  ];
  return [
    listener(`http ${address}`, ports, { filters: [connectionManager(inputs, credentials)], credentials }),
    listener(
      `tcp ${address}`,
      [
        [address, tcpPort],
        [another, tcpPort],
      ],
      { filters: tcpFilters(inputs), credentials },
    ),
  ];
}

function listener(
  name: string,
  [first = ["", 0], ...others]: readonly (readonly [string, number])[],
  { filters, credentials }: { filters: readonly TypedFilter[]; credentials: Credentials },
): TypedResource {
  const transportSocket = {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: downstreamTls(credentials) },
  } as const;
  const inspector = typedConfig(TlsInspectorSchema, {});
  return builtResource("listener", ListenerSchema, {
    name,
    address: socketAddress(...first),
    additionalAddresses: others.map((each) => ({ address: socketAddress(...each) })),
    listenerFilters: [
      { name: "envoy.filters.listener.tls_inspector", configType: { case: "typedConfig", value: inspector } },
    ],
    filterChains: [{ filters: [...filters], transportSocket }],
  });
}

function downstreamTls({ root, server }: Credentials) {
  const inline = (text: string) => ({ specifier: { case: "inlineString", value: text } }) as const;
  return typedConfig(DownstreamTlsContextSchema, {
    requireClientCertificate: false,
    commonTlsContext: {
      tlsCertificates: [{ certificateChain: inline(server.certificate), privateKey: inline(server.key) }],
      validationContextType: { case: "validationContext", value: { trustedCa: inline(root) } },
    },
  });
}

function connectionManager(inputs: AuthorizationInputs, { jwks }: Credentials): TypedFilter {
  const { custom, authorization } = buildHttpAuthorization(inputs);
  const issuers = ISSUERS.map((issuer) => ({ rule: { issuer }, jwks }));
  return typedFilter("envoy.filters.network.http_connection_manager", HttpConnectionManagerSchema, {
    statPrefix: "http",
    httpFilters: [
      metadataFilter(),
      ...custom,
      ...buildRequestAuthentication({ issuers, isGateway: false }),
      ...authorization,
      typedFilter("envoy.filters.http.router", RouterSchema, {}),
    ],
    routeSpecifier: {
      case: "routeConfig",
      value: {
        virtualHosts: [
          {
            name: "all",
            domains: ["*"],
            routes: [
              {
                match: { pathSpecifier: { case: "prefix", value: "/" } },
                action: { case: "directResponse", value: { status: 200 } },
              },
            ],
          },
        ],
      },
    },
  });
}

function metadataFilter(): TypedFilter {
  return typedFilter("envoy.filters.http.set_metadata", SetMetadataSchema, {
    metadata: Object.entries(FILTER_METADATA).map(([metadataNamespace, value]) => ({
      metadataNamespace,
      value: value as never,
    })),
  });
}

function tcpFilters(inputs: AuthorizationInputs): readonly TypedFilter[] {
  const { custom, audit, deny, allow } = buildTcpAuthorization(inputs);
  const proxy = typedConfig(TcpProxySchema, {
    statPrefix: "tcp",
    clusterSpecifier: { case: "cluster", value: "echo" },
  });
  return [
    ...custom.flatMap(({ rules, provider }) => (provider === undefined ? [rules] : [rules, provider])),
    ...[audit, deny, allow].filter((filter) => filter !== undefined),
    { name: "envoy.filters.network.tcp_proxy", configType: { case: "typedConfig", value: proxy } },
  ];
}
