// The sockets of a mesh's pods as its supervisor sees them, and a client on them with credentials taken from any pod.

import { join } from "node:path";
import type { TestContext } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { PodReport } from "../../../src/admin/contract/supervisor.ts";
import { systemClock } from "../../../src/core/clock.ts";
import type { DataSource } from "../../../src/gen/envoy/config/core/v3/base_pb.ts";
import {
  type Secret,
  SecretSchema,
} from "../../../src/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";
import { GrpcClient } from "../../../src/grpc/client.ts";
import { typeUrlOf } from "../../../src/xds/resource-type.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { machinePid, pidOf } from "./mesh-processes.ts";

const SECRETS = "/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets";
const RESOURCES = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
// A control plane may have to start first.
const CONNECT_TIMEOUT_MS = 30_000;
const CONTROL_PLANE_NAME = "meltemi.meltemi-system.svc";

export interface PodCredentials {
  readonly certificate: string;
  readonly key: string;
  readonly roots: string;
}

/** A path inside the mesh's namespaces, as this process reaches it. */
export async function pathInMesh(mesh: RunningMesh, path: string): Promise<string> {
  return `/proc/${await machinePid(mesh, await pidOf(mesh, "supervisor"))}/root${path}`;
}

export function podDirectory(mesh: RunningMesh, { ip }: PodReport): Promise<string> {
  return pathInMesh(mesh, `/run/meltemi/${ip}`);
}

/** What the pod's own agent gives its Envoy. */
export async function credentialsOf(
  t: TestContext,
  mesh: RunningMesh,
  pod: PodReport,
): Promise<PodCredentials> {
  const path = join(await podDirectory(mesh, pod), "sds.sock");
  const client = new GrpcClient({ kind: "unix", path }, { clock: systemClock });
  t.after(() => client.close());
  const secrets = new Map<string, Secret>();
  await new Promise<void>((resolve, reject) => {
    const call = client.bidi(SECRETS, {
      message(bytes) {
        for (const { name, resource } of fromBinary(DeltaDiscoveryResponseSchema, bytes).resources)
          secrets.set(name, fromBinary(SecretSchema, resource?.value ?? new Uint8Array()));
        if (secrets.size === 2) resolve();
      },
      closed: (error) => reject(error ?? new Error("SDS ended")),
    });
    const request = create(DeltaDiscoveryRequestSchema, { resourceNamesSubscribe: ["default", "ROOTCA"] });
    call.write([toBinary(DeltaDiscoveryRequestSchema, request)]);
  });
  const own = secrets.get("default")?.type;
  const roots = secrets.get("ROOTCA")?.type;
  if (own?.case !== "tlsCertificate" || roots?.case !== "validationContext")
    throw new Error("The agent serves no certificate");
  return {
    certificate: textOf(own.value.certificateChain),
    key: textOf(own.value.privateKey),
    roots: textOf(roots.value.trustedCa),
  };
}

/** Says on the socket of `on` that it is `as`: resolves with "answered", or the sentence that it is refused with. */
export async function speak(
  t: TestContext,
  mesh: RunningMesh,
  { on, as, credentials }: { on: PodReport; as: PodReport; credentials: PodCredentials },
): Promise<string> {
  const { certificate, key, roots } = credentials;
  const tls = { certificate, key, serverRoots: roots, serverName: CONTROL_PLANE_NAME };
  const path = join(await podDirectory(mesh, on), "xds.sock");
  const client = new GrpcClient(
    { kind: "unix", path, tls },
    { clock: systemClock, connectTimeoutMs: CONNECT_TIMEOUT_MS },
  );
  t.after(() => client.close());
  const { ip, name, namespace } = as;
  const request = create(DeltaDiscoveryRequestSchema, {
    node: { id: `sidecar~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local` },
    typeUrl: typeUrlOf("cluster"),
  });
  return new Promise((resolve) => {
    const call = client.bidi(RESOURCES, {
      message: () => resolve("answered"),
      closed: (error) => resolve(error?.message ?? "ended"),
    });
    call.write([toBinary(DeltaDiscoveryRequestSchema, request)]);
  });
}

function textOf(source: DataSource | undefined): string {
  return source?.specifier.case === "inlineBytes" ? Buffer.from(source.specifier.value).toString() : "";
}
