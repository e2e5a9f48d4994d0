// A control plane with a small mesh and its proxies connected, and what each of these is sent.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import type { KeyLocation } from "../../src/kinds/request-authentication.ts";
import { type IssuerKeys, writeIssuerKeys } from "../../src/model/issuer-keys.ts";
import { deleteObject, keyOf, writeObject } from "../../src/model/sources.ts";
import { createControlPlane } from "../../src/plane/create-control-plane.ts";
import { layeredTypes } from "../../src/view/profile.ts";
import { keyedCertificate } from "../support/keyed-certificate-fixture.ts";
import { objectsOf } from "../support/mesh-fixture.ts";

/** Resources by proxy, type and name: a version is the hash of the bytes. And what the plane fetches from issuers of tokens. */
export type SentBytes = ReadonlyMap<string, string>;

export interface MeshScene {
  /** What every proxy is sent while these objects stand in the place of those of the same names, or beside them. */
  sentWith(objects: readonly KubernetesObject[]): SentBytes;
  close(): void;
}

const proxies = [
  { kind: "sidecar", namespace: "shop", pod: "web-1", address: "10.244.0.1", serviceAccount: "default" },
  { kind: "sidecar", namespace: "shop", pod: "client-1", address: "10.244.0.3", serviceAccount: "default" },
  { kind: "sidecar", namespace: "other", pod: "client-2", address: "10.244.0.4", serviceAccount: "default" },
  { kind: "router", namespace: "edge", pod: "edge-1", address: "10.244.0.5", serviceAccount: "edge" },
] as const;

export function meshScene(): MeshScene {
  const plane = createControlPlane({ clock: systemClock, log: silentLogger });
  const { issuerKeys } = plane.model.requestAuthentications;
  const base = [...objectsOf(readFileSync(new URL("mesh.yaml", import.meta.url), "utf8")), ...secrets()];
  const byKey = new Map(base.map((object) => [keyOf(object), object]));
  write(base);
  plane.fleet.commit((transaction) => writeIssuerKeys(transaction, issuerKeys.found, storedKeys()));
  for (const proxy of proxies) connect(proxy);
  assert.equal(proxies.length, [...plane.fleet.sessions()].length);

  function write(objects: readonly KubernetesObject[]): void {
    const { errors } = plane.fleet.commit((transaction) => {
      for (const object of objects) writeObject(transaction, plane.sources, object);
    });
    assert.deepEqual(errors, []);
  }

  function connect({ kind, namespace, pod, address, serviceAccount }: (typeof proxies)[number]): void {
    const nodeId = `${kind}~${address}~${pod}.${namespace}~${namespace}.svc.cluster.local`;
    const node = {
      id: nodeId,
      cluster: "",
      metadata: { NAMESPACE: namespace, DNS_CAPTURE: "true" },
      locality: { region: "", zone: "", subZone: "" },
      userAgentName: "envoy",
      userAgentVersion: "1.40.0",
    };
    const identity = {
      proof: "socket",
      trustDomain: "cluster.local",
      namespace,
      serviceAccount,
      pod: { name: pod, uid: `uid-${pod}` },
    } as const;
    const client = {
      nodeId,
      node,
      identity,
      peer: undefined,
      owner: identity,
      protocol: "delta",
      remoteAddress: address,
      servesSecrets: true,
      metadata: () => undefined,
    } as const;
    const stream = {
      publish: () => undefined,
      standing: () => "in-use" as const,
      offerAgain: () => undefined,
      close: (_status: unknown, reason: string) => assert.fail(reason),
    };
    const joining = plane.fleet.open(client, stream).conversation.join();
    assert.ok(!(joining instanceof Promise) && joining.kind === "joined", `${pod} doesn't join`);
    for (const type of layeredTypes) joining.session.asked?.(type);
  }

  function sent(): SentBytes {
    const versions = new Map<string, string>();
    for (const session of plane.fleet.sessions())
      for (const type of layeredTypes)
        for (const { name, version } of plane.fleet.resourcesOf(session, type))
          versions.set(`${session.nodeId} ${type} ${name}`, version);
    for (const [, { timeoutMs }] of issuerKeys.wanted.entries())
      versions.set(`fetch of keys within ${timeoutMs} ms`, "");
    return versions;
  }

  return {
    sentWith(objects) {
      write(objects);
      const found = sent();
      plane.fleet.commit((transaction) => {
        for (const object of objects) {
          const before = byKey.get(keyOf(object));
          const { kind, metadata } = object;
          if (before !== undefined) writeObject(transaction, plane.sources, before);
          else
            deleteObject(transaction, plane.sources, {
              kind,
              namespace: metadata.namespace ?? "",
              name: metadata.name,
            });
        }
      });
      return found;
    },
    close: () => plane.intake.close(),
  };
}

function storedKeys(): ReadonlyMap<KeyLocation, IssuerKeys> {
  return new Map(
    ["some", "other"].map((name) => [
      `jwks https://${name}.example.com/keys`,
      { jwks: JSON.stringify({ keys: [{ kty: "oct", k: Buffer.from(name).toString("base64url") }] }) },
    ]),
  );
}

/** A certificate and a CA under two names, wherever a proxy may ask for them. */
function secrets(): readonly KubernetesObject[] {
  return ["shop", "edge"].flatMap((namespace) =>
    ["some", "other"].map((name) => {
      const { certificatePem, keyPem } = keyedCertificate();
      const stringData = { "tls.crt": certificatePem, "tls.key": keyPem, "ca.crt": certificatePem };
      return { apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData };
    }),
  );
}
