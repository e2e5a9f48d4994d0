// A gateway as the control plane sees it: its pod in the API server, a certificate for a token bound to that pod, and a
// stream that asks for the Secret that a Gateway names.

import { generateKeyPairSync } from "node:crypto";
import type { TestContext } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createCertificateClient } from "../../src/agent/certificate-client.ts";
import { redacted } from "../../src/core/redacted.ts";
import { SecretSchema } from "../../src/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";
import { buildCertificateRequest } from "../../src/identity/certificate-request.ts";
import { typeUrlOf } from "../../src/xds/resource-type.ts";
import { keyedCertificate, tlsSecretData } from "../support/keyed-certificate-fixture.ts";
import type { ApiServer } from "./cluster/api-server.ts";
import { clientOf } from "./control-plane-client.ts";
import type { ControlPlaneProcess } from "./control-plane-process.ts";

const DELTA = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
const SECRET_NAME = "kubernetes://server-cert";
const addressOf = (account: string) => `10.244.1.${account.length}`;

/** A Gateway with its Secret in namespace `shop`, and for each account a pod that the Gateway selects. */
export function edgeObjects(accounts: readonly string[]): object[] {
  const metadata = { name: "edge", namespace: "shop" };
  const server = {
    port: { number: 443, name: "https", protocol: "HTTPS" },
    hosts: ["a.example.com"],
    tls: { mode: "SIMPLE", credentialName: "server-cert" },
  };
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "server-cert", namespace: "shop" },
      stringData: JSON.parse(tlsSecretData(keyedCertificate())) as object,
    },
    {
      apiVersion: "networking.istio.io/v1",
      kind: "Gateway",
      metadata,
      spec: { selector: { app: "edge" }, servers: [server] },
    },
    {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata,
      spec: {
        hosts: ["a.example.com"],
        gateways: ["edge"],
        http: [{ route: [{ destination: { host: "web" } }] }],
      },
    },
    ...accounts.flatMap(podOf),
  ];
}

function podOf(account: string): object[] {
  const metadata = { name: account, namespace: "shop" };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata, labels: { app: "edge" } },
      spec: {
        serviceAccountName: account,
        automountServiceAccountToken: false,
        containers: [{ name: "istio-proxy", image: "auto", args: ["proxy", "router"] }],
      },
    },
  ];
}

/** Nobody runs the pod: the test says in kubelet's place that it has an address. */
export async function startPods(server: ApiServer, accounts: readonly string[]): Promise<void> {
  for (const account of accounts) {
    const podIP = addressOf(account);
    const status = { phase: "Running", podIP, podIPs: [{ ip: podIP }] };
    const patch = JSON.stringify({ status });
    await server.kubectl(["-n", "shop", "patch", "pod", account, "--subresource=status", "-p", patch]);
  }
}

export interface SecretQuestion {
  readonly server: ApiServer;
  readonly plane: ControlPlaneProcess;
  readonly account: string;
}

/** What a new stream of the account's pod is told first: the key, or that there is none. */
export async function secretGivenTo(t: TestContext, question: SecretQuestion): Promise<"key" | "none"> {
  const { server, plane, account } = question;
  const client = await clientOf(server, plane, await certificateOf(question));
  t.after(() => client.close());
  const id = `router~${addressOf(account)}~${account}.shop~shop.svc.cluster.local`;
  const request = create(DeltaDiscoveryRequestSchema, {
    node: { id, cluster: account, metadata: { NAMESPACE: "shop" } },
    typeUrl: typeUrlOf("secret"),
    resourceNamesSubscribe: [SECRET_NAME],
  });
  try {
    return await new Promise((resolve, reject) => {
      const message = (bytes: Uint8Array) => {
        const [found] = fromBinary(DeltaDiscoveryResponseSchema, bytes).resources;
        if (found === undefined) return resolve("none");
        const { type } = fromBinary(SecretSchema, found.resource?.value ?? new Uint8Array());
        return resolve(type.case === "tlsCertificate" ? "key" : "none");
      };
      const closed = (error?: Error) => reject(error ?? new Error("closed"));
      client.bidi(DELTA, { message, closed }).write([toBinary(DeltaDiscoveryRequestSchema, request)]);
    });
  } finally {
    client.close();
  }
}

async function certificateOf({ server, plane, account }: SecretQuestion) {
  const bound = ["--bound-object-kind", "Pod", "--bound-object-name", account];
  const created = await server.kubectl([
    ...["-n", "shop", "create", "token", account, "--audience", "istio-ca"],
    ...bound,
  ]);
  const client = await clientOf(server, plane);
  try {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const ask = createCertificateClient(client, { readToken: async () => redacted(created.trim()) });
    const chain = await ask(
      buildCertificateRequest(privateKey, { uris: [], dnsNames: [], ipAddresses: [] }),
      3_600_000,
    );
    return {
      certificate: chain.slice(0, -1).join(""),
      key: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    };
  } finally {
    client.close();
  }
}
