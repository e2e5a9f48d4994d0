// Attacks within the protocol: discovery requests of both variants and certificate requests, some as a client would send
// them, some with fields that contradict each other, some with bytes changed. What the methods are called with, too.

import { create, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";
import { IstioCertificateRequestSchema } from "../../src/gen/security/v1alpha1/ca_pb.ts";
import { createCertificatePath } from "../../src/identity/certificate-method.ts";
import { type ResourceType, typeUrlOf } from "../../src/xds/resource-type.ts";
import {
  connectionPreface,
  dataFrame,
  grpcHeaders,
  grpcMessage,
  headersFrame,
  settingsFrame,
  windowUpdateFrame,
} from "../../tests/support/raw-http2.ts";
import { sidecarIdentity } from "../xds/sidecar-identity.ts";
import type { Attack, AttackStep, Target } from "./attack.ts";
import { attackedMesh } from "./attacked-mesh.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { AttackedCall } from "./wire-attacks.ts";

const ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
const SDS = "/envoy.service.secret.v3.SecretDiscoveryService";

const resourceTypes: readonly [ResourceType, ...ResourceType[]] = [
  ...(["cluster", "endpoint", "listener", "route", "secret"] as const),
  ...(["virtual-host", "extension-config", "name-table", "runtime"] as const),
];
const genericTypes = [
  "istio.io/debug",
  "istio.io/debug/syncz",
  "istio.io/debug/config_dump",
  "type.googleapis.com/istio.networking.nds.v1.NameTable",
  "type.googleapis.com/none",
  "",
] as const;

type Variant = "delta" | "state-of-the-world";

/** A call of one of the target's methods, with its first message. */
export function anyCall(random: SeededRandom, target: Target, token: string): AttackedCall {
  const variant: Variant = random.oneIn(2) ? "delta" : "state-of-the-world";
  if (target === "tls" && random.oneIn(3))
    return { headers: headersOf(random, createCertificatePath, token), message: certificateRequest(random) };
  const path = pathOf(target, variant);
  return {
    headers: headersOf(random, path, target === "tls" ? token : ""),
    message: discoveryRequest(random, variant, { isFirst: true, target }),
  };
}

/** A stream of some twenty requests. Nonces are guessed: they count up from 1. */
export function createRequestAttack(random: SeededRandom, target: Target, token: string): Attack {
  const variant: Variant = random.oneIn(2) ? "delta" : "state-of-the-world";
  const headers = headersOf(random, pathOf(target, variant), target === "tls" ? token : "");
  const steps: AttackStep[] = [];
  const window = Buffer.concat([windowUpdateFrame(0, 0x70000000), windowUpdateFrame(1, 0x70000000)]);
  const settings = settingsFrame([[4, 0x7fffffff]]);
  steps.push({
    kind: "send",
    bytes: Buffer.concat([connectionPreface, settings, headersFrame(1, headers), window]),
  });
  let budgetBytes = 60_000;
  const count = 1 + random.below(20);
  for (let index = 0; index < count; index += 1) {
    const isFirst = index === 0 ? !random.oneIn(10) : random.oneIn(20);
    const message = mutated(random, discoveryRequest(random, variant, { isFirst, target }));
    budgetBytes -= message.length + 5;
    if (budgetBytes < 0) break;
    steps.push({ kind: "send", bytes: inFrames(grpcMessage(message)) });
    if (random.oneIn(2)) steps.push({ kind: "wait", delayMs: random.below(8) });
  }
  steps.push({ kind: "wait", delayMs: 5 + random.below(20) });
  return { name: `${variant} requests`, steps };
}

function inFrames(bytes: Buffer): Buffer {
  const frames = [];
  for (let offset = 0; offset < bytes.length; offset += 16_384)
    frames.push(dataFrame(1, bytes.subarray(offset, offset + 16_384)));
  return Buffer.concat(frames);
}

function pathOf(target: Target, variant: Variant): string {
  if (target === "sds") return `${SDS}/${variant === "delta" ? "DeltaSecrets" : "StreamSecrets"}`;
  return `${ADS}/${variant === "delta" ? "DeltaAggregatedResources" : "StreamAggregatedResources"}`;
}

function headersOf(random: SeededRandom, path: string, token: string) {
  if (token === "" || random.oneIn(4)) return grpcHeaders(path);
  const bearer = random.oneIn(8) ? token.slice(0, -4) : token;
  return grpcHeaders(path, [["authorization", `Bearer ${bearer}`]]);
}

function certificateRequest(random: SeededRandom): Uint8Array {
  const csr = random.oneIn(2) ? random.bytes(200).toString("base64") : "";
  const message = create(IstioCertificateRequestSchema, {
    csr: `-----BEGIN CERTIFICATE REQUEST-----\n${csr}\n-----END CERTIFICATE REQUEST-----\n`,
    validityDuration: random.pick([0n, 1n, -1n, 2n ** 62n]),
  });
  return mutated(random, toBinary(IstioCertificateRequestSchema, message));
}

interface RequestShape {
  readonly isFirst: boolean;
  readonly target: Target;
}

function discoveryRequest(
  random: SeededRandom,
  variant: Variant,
  { isFirst, target }: RequestShape,
): Uint8Array {
  const head = {
    typeUrl: typeUrl(random, target),
    responseNonce: random.oneIn(2) ? "" : String(random.below(12)),
    ...(isFirst && { node: anyNode(random) }),
    ...(random.oneIn(5) && { errorDetail: { code: random.below(20), message: text(random, 300) } }),
  };
  if (variant === "state-of-the-world") {
    const versionInfo = random.oneIn(2) ? "" : text(random, 20);
    return toBinary(
      DiscoveryRequestSchema,
      create(DiscoveryRequestSchema, { ...head, versionInfo, resourceNames: names(random) }),
    );
  }
  const initialResourceVersions = Object.fromEntries(names(random).map((name) => [name, text(random, 16)]));
  return toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, {
      ...head,
      resourceNamesSubscribe: names(random),
      resourceNamesUnsubscribe: random.oneIn(2) ? names(random) : [],
      ...(random.oneIn(2) && { initialResourceVersions }),
    }),
  );
}

function typeUrl(random: SeededRandom, target: Target): string {
  if (target === "sds" && !random.oneIn(5)) return typeUrlOf("secret");
  return random.oneIn(5) ? random.pick(genericTypes) : typeUrlOf(random.pick(resourceTypes));
}

/** Mostly a pod's own namespace, so that what lies behind the door is reached too. */
function anyNode(random: SeededRandom) {
  const { node } = sidecarIdentity(50_000 + random.below(400), attackedMesh);
  if (!random.oneIn(5)) return node;
  const id = random.pick([
    "",
    "x",
    "sidecar~~~",
    `router~1.2.3.4~a.b~${text(random, 40)}`,
    "sidecar~::1~a.ns-0~ns-0.svc.cluster.local",
  ]);
  return {
    ...node,
    id,
    cluster: text(random, 40),
    metadata: { LABELS: text(random, 10), NAMESPACE: random.below(3), NAME: [null] },
  };
}

function names(random: SeededRandom): string[] {
  const kinds: readonly [() => string, ...(() => string)[]] = [
    () => "*",
    () => "default",
    () => "ROOTCA",
    () => String(random.below(100)),
    () => `outbound|80||service-${random.below(50)}.ns-${random.below(5)}.svc.cluster.local`,
    () => `0.0.0.0_${random.below(100)}`,
    () => "virtualInbound",
    () => `80/service-${random.below(50)}.ns-0.svc.cluster.local:80`,
    () => "kubernetes://secret",
    () => "syncz?proxyID=x",
    () => text(random, 60),
    () => "n".repeat(random.pick([0, 2_048, 2_049])),
  ];
  return Array.from({ length: random.oneIn(3) ? 0 : random.below(8) }, () => random.pick(kinds)());
}

function text(random: SeededRandom, maxLength: number): string {
  return random.bytes(random.below(maxLength)).toString("latin1");
}

function mutated(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  if (!random.oneIn(3) || bytes.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  if (random.oneIn(3)) return copy.subarray(0, random.below(copy.length));
  for (let count = 1 + random.below(4); count > 0; count -= 1)
    copy[random.below(copy.length)] = random.below(256);
  return copy;
}
