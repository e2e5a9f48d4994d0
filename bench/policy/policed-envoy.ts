// An Envoy with one listener that speaks mTLS and HTTP, and policies where the measurement wants them.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { socketAddress } from "../../src/envoy/address.ts";
import { buildHttpAuthorization } from "../../src/envoy/authorization/http-authorization.ts";
import { typedConfig } from "../../src/envoy/encode.ts";
import { buildHttpSlot, httpSlotFilter } from "../../src/envoy/policy-slot/http-slot.ts";
import { type HttpPolicySlot, httpPolicySlots } from "../../src/envoy/slot-order.ts";
import { type TypedFilter, typedFilter } from "../../src/envoy/typed-filter.ts";
import { TypedExtensionConfigSchema } from "../../src/gen/envoy/config/core/v3/extension_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import { RouterSchema } from "../../src/gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { HttpConnectionManagerSchema } from "../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { DownstreamTlsContextSchema } from "../../src/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import type { AuthorizationInputs } from "../../src/view/authorization-inputs.ts";
import type { Credentials } from "../../tests/protocol/authorization/credentials.ts";
import { type Lifetime, startEnvoy } from "../../tests/protocol/envoy-process.ts";
import {
  builtResource,
  cluster,
  endpoints,
  type TypedResource,
} from "../../tests/protocol/mesh-resources.ts";
import { RecordingBackend, serve } from "../../tests/protocol/recording-backend.ts";

/** `slots`: every slot of a sidecar, by ECDS. `listener`: the filters are parts of the listener. */
export type PolicyPlace = "nowhere" | "slots" | "listener";

export interface PolicedEnvoy {
  readonly pid: number;
  readonly port: number;
}

export interface PolicedEnvoyOptions {
  readonly place: PolicyPlace;
  readonly inputs: AuthorizationInputs;
  readonly credentials: Credentials;
  /** Of the server that requests go on to, on loopback. */
  readonly serverPort: number;
}

export async function startPolicedEnvoy(
  lifetime: Lifetime,
  { place, inputs, credentials, serverPort }: PolicedEnvoyOptions,
): Promise<PolicedEnvoy> {
  const directory = mkdtempSync(join(tmpdir(), `mlt-${process.pid}-`));
  lifetime.after(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const backend = new RecordingBackend([
    ...[cluster(SERVER), endpoints(SERVER, serverPort)],
    listener(port, filtersAt(place, inputs), credentials),
    ...(place === "slots" ? slotsOf(inputs) : []),
  ]);
  const adsPath = join(directory, "xds.sock");
  await serve(lifetime, backend, { kind: "unix", path: adsPath });
  const envoy = startEnvoy(lifetime, { directory, adsPath, variant: "DELTA_GRPC" });
  await envoy.untilLive();
  const refused = backend.events.flatMap((event) => (event.kind === "rejected" ? [event.detail] : []));
  assert.deepEqual(refused, []);
  return { pid: envoy.pid, port };
}

const SERVER = "server";

function listener(port: number, filters: readonly HttpFilter[], credentials: Credentials): TypedResource {
  const { root, server } = credentials;
  const inline = (text: string) => ({ specifier: { case: "inlineString", value: text } }) as const;
  const tls = typedConfig(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: {
      tlsCertificates: [{ certificateChain: inline(server.certificate), privateKey: inline(server.key) }],
      validationContextType: { case: "validationContext", value: { trustedCa: inline(root) } },
    },
  });
  return builtResource("listener", ListenerSchema, {
    name: "inbound",
    address: socketAddress("127.0.0.1", port),
    filterChains: [
      {
        filters: [connectionManager(filters)],
        transportSocket: {
          name: "envoy.transport_sockets.tls",
          configType: { case: "typedConfig", value: tls },
        },
      },
    ],
  });
}

function connectionManager(filters: readonly HttpFilter[]): TypedFilter {
  const match = { pathSpecifier: { case: "prefix", value: "/" } } as const;
  const route = { clusterSpecifier: { case: "cluster", value: SERVER } } as const;
  const routes = [{ match, action: { case: "route", value: route } as const }];
  return typedFilter("envoy.filters.network.http_connection_manager", HttpConnectionManagerSchema, {
    statPrefix: "inbound",
    httpFilters: [...filters, typedFilter("envoy.filters.http.router", RouterSchema, {})],
    routeSpecifier: {
      case: "routeConfig",
      value: { virtualHosts: [{ name: "all", domains: ["*"], routes }] },
    },
  });
}

type HttpFilter = TypedFilter | ReturnType<typeof httpSlotFilter>;

function filtersAt(place: PolicyPlace, inputs: AuthorizationInputs): readonly HttpFilter[] {
  if (place === "nowhere") return [];
  if (place === "slots") return httpPolicySlots.map(httpSlotFilter);
  return buildHttpAuthorization(inputs).authorization;
}

/** All that a sidecar has, most of them empty. */
function slotsOf(inputs: AuthorizationInputs): readonly TypedResource[] {
  const { custom, authorization } = buildHttpAuthorization(inputs);
  const filters: { readonly [S in HttpPolicySlot]?: readonly TypedFilter[] } = {
    "custom-authorization": custom,
    authorization,
  };
  return httpPolicySlots.map((slot) =>
    builtResource("extension-config", TypedExtensionConfigSchema, buildHttpSlot(slot, filters[slot] ?? [])),
  );
}

/** One that nothing listens on just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
