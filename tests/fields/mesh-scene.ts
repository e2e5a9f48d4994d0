// A control plane with a small mesh and its proxies connected, and what each of these is sent.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { ObjectKey } from "../../src/core/object-key.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import type { KeyLocation } from "../../src/kinds/request-authentication.ts";
import { type IssuerKeys, writeIssuerKeys } from "../../src/model/issuer-keys.ts";
import { deleteObject, keyOf, type ObjectName, writeObject } from "../../src/model/sources.ts";
import { createControlPlane } from "../../src/plane/create-control-plane.ts";
import { layeredTypes } from "../../src/view/profile.ts";
import { keyedCertificate } from "../support/keyed-certificate-fixture.ts";
import { objectsOf } from "../support/mesh-fixture.ts";
import { ENDED, type Outcome, type Stage } from "./toggle-fields.ts";

interface ScenesProxy {
  readonly kind: "sidecar" | "router";
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly serviceAccount: string;
  /** The WorkloadGroup of a virtual machine; any other is a pod's. */
  readonly group?: string;
}

const proxies: readonly ScenesProxy[] = [
  { kind: "sidecar", namespace: "shop", name: "web-1", address: "10.244.0.1", serviceAccount: "default" },
  { kind: "sidecar", namespace: "shop", name: "client-1", address: "10.244.0.3", serviceAccount: "default" },
  { kind: "sidecar", namespace: "other", name: "client-2", address: "10.244.0.4", serviceAccount: "default" },
  { kind: "router", namespace: "edge", name: "edge-1", address: "10.244.0.5", serviceAccount: "edge" },
  {
    kind: "sidecar",
    namespace: "shop",
    name: "machine-1",
    address: "10.7.0.1",
    serviceAccount: "machine",
    group: "machines",
  },
];

/** Outcomes are resources by proxy, type and name: a version is the hash of the bytes. And what is fetched from issuers of tokens. */
export function meshScene(): Stage {
  const plane = createControlPlane({ clock: systemClock, log: silentLogger });
  const { issuerKeys } = plane.model.requestAuthentications;
  const base = [...objectsOf(readFileSync(new URL("mesh.yaml", import.meta.url), "utf8")), ...secrets()];
  const byKey = new Map(base.map((object) => [keyOf(object), object]));
  let placed: ReadonlyMap<ObjectKey, KubernetesObject> = new Map();
  let ended: readonly string[] = [];
  place(base);
  placed = new Map();
  plane.fleet.commit((transaction) => writeIssuerKeys(transaction, issuerKeys.found, storedKeys()));
  for (const proxy of proxies) connect(proxy);
  assert.equal(proxies.length, [...plane.fleet.sessions()].length);

  function connect({ kind, namespace, name, address, serviceAccount, group }: ScenesProxy): void {
    const nodeId = `${kind}~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`;
    const node = {
      id: nodeId,
      cluster: "",
      metadata: {
        NAMESPACE: namespace,
        DNS_CAPTURE: "true",
        ...(group !== undefined && { AUTO_REGISTER_GROUP: group }),
      },
      locality: { region: "", zone: "", subZone: "" },
      userAgentName: "envoy",
      userAgentVersion: "1.40.0",
    };
    const identity = {
      proof: "certificate",
      trustDomain: "cluster.local",
      namespace,
      serviceAccount,
      ...(group === undefined && { pod: { name, uid: `uid-${name}` } }),
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
      close: (_status: unknown, reason: string) => {
        ended = [...ended, reason];
      },
    };
    const joining = plane.fleet.open(client, stream).conversation.join();
    assert.ok(!(joining instanceof Promise) && joining.kind === "joined", `${name} doesn't join`);
    for (const type of layeredTypes) joining.session.asked?.(type);
  }

  function sent(): Outcome {
    const versions = new Map<string, string>();
    for (const session of plane.fleet.sessions())
      for (const type of layeredTypes)
        for (const { name, version } of plane.fleet.resourcesOf(session, type))
          versions.set(`${session.nodeId} ${type} ${name}`, version);
    for (const [, { timeoutMs }] of issuerKeys.wanted.entries())
      versions.set(`fetch of keys within ${timeoutMs} ms`, "");
    for (const reason of ended) versions.set(ENDED + reason, "");
    return versions;
  }

  /** Instead of what was put in place before: to take that away is no commit of its own. */
  function place(objects: readonly KubernetesObject[]): void {
    const newKeys = new Set(objects.map(keyOf));
    const { errors } = plane.fleet.commit((transaction) => {
      for (const [key, object] of placed) {
        if (newKeys.has(key)) continue;
        const before = byKey.get(key);
        if (before === undefined) deleteObject(transaction, plane.sources, nameOf(object));
        else writeObject(transaction, plane.sources, before);
      }
      for (const object of objects) writeObject(transaction, plane.sources, object);
    });
    placed = new Map(objects.map((object) => [keyOf(object), object]));
    assert.deepEqual(errors, []);
  }

  return {
    outcomeOf(objects) {
      place(objects);
      const outcome = sent();
      // A stream that was ended is told so once: the next outcome begins with all of them open.
      if (ended.length > 0) place([]);
      ended = [];
      return outcome;
    },
    close: () => plane.intake.close(),
  };
}

function nameOf({ kind, metadata }: KubernetesObject): ObjectName {
  return { kind, namespace: metadata.namespace ?? "", name: metadata.name };
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
