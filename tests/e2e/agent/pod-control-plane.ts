// A whole control plane on TCP with TLS, as it stands behind `meltemi.meltemi-system.svc:15012`, over objects given as text.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { WorkloadCertificate } from "../../../src/agent/certificate-rotation.ts";
import { startCertificateRotation } from "../../../src/agent/certificate-rotation.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { GrpcServer } from "../../../src/grpc/server.ts";
import { GrpcError } from "../../../src/grpc/status.ts";
import {
  createCertificateAuthenticator,
  createTokenAuthenticator,
  firstAuthenticatorOf,
} from "../../../src/identity/authenticator.ts";
import { buildRootFiles, createCertificateAuthority } from "../../../src/identity/certificate-authority.ts";
import { createCertificateMethod } from "../../../src/identity/certificate-method.ts";
import { createCertificateService } from "../../../src/identity/certificate-service.ts";
import {
  controlPlaneNames,
  createControlPlaneSigner,
} from "../../../src/identity/control-plane-certificate.ts";
import { createTokenIssuer } from "../../../src/identity/service-account-token.ts";
import { keyOf } from "../../../src/model/sources.ts";
import { createControlPlane } from "../../../src/plane/create-control-plane.ts";
import { requireIdentity } from "../../../src/serving/authenticated-backend.ts";
import { createXdsServer } from "../../../src/xds/xds-server.ts";
import { objectsOf } from "../../support/mesh-fixture.ts";

export interface PodControlPlane {
  readonly rootsPem: string;
  /** As kubelet would put it into the volume of a pod, which is one of the objects. */
  issueToken(namespace: string, podName: string): string;
}

const context = { clock: systemClock, randomBytes };
const common = { clock: systemClock, random: Math.random, log: silentLogger };

export async function startPodControlPlane(
  port: number,
  objects: string,
  host = "127.0.0.1",
): Promise<PodControlPlane> {
  const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const built = createCertificateAuthority(buildRootFiles(newKey(), "cluster.local", context), context);
  if (built.kind !== "authority") throw new Error(built.reason);
  const { authority } = built;
  const issuer = createTokenIssuer(newKey(), {
    clock: systemClock,
    issuer: "https://kubernetes.default.svc",
  });
  const trustDomain = "cluster.local";
  const authenticator = firstAuthenticatorOf([
    createTokenAuthenticator(issuer, { trustDomain, audiences: ["istio-ca"] }),
    createCertificateAuthenticator([trustDomain]),
  ]);
  const service = createCertificateService(authority, { authenticator, log: silentLogger });
  const plane = createControlPlane(common);
  plane.intake.change(
    objectsOf(objects).map((object) => ({ object, key: keyOf(object) })),
    [],
  );
  plane.intake.flush();
  const xds = createXdsServer(requireIdentity(plane.fleet, authenticator), common);
  const names = controlPlaneNames({ trustDomain });
  const rotation = startCertificateRotation(createControlPlaneSigner(authority, names), { ...common, names });
  const own = await new Promise<WorkloadCertificate>((resolve) => rotation.watch(resolve));
  const tls = { certificate: own.chainPem, key: own.keyPem.reveal(), clientRoots: authority.rootsPem };
  const sign = createCertificateMethod(service, (status, message) => new GrpcError(status, message));
  const methods = [...xds.methods({ servesSecrets: true }), sign];
  await new GrpcServer(common).listen({ kind: "tcp", host, port }, { methods, tls });
  return {
    rootsPem: authority.rootsPem,
    issueToken(namespace, podName) {
      const pod = plane.sources.Pod.get(`${namespace}/${podName}`);
      if (pod === undefined) throw new Error(`There is no pod "${namespace}/${podName}"`);
      const serviceAccount = pod.spec.serviceAccountName ?? "default";
      const subject = { namespace, serviceAccount, pod: { name: podName, uid: pod.metadata.uid ?? "" } };
      return issuer.issueToken({ ...subject, audiences: ["istio-ca"], expirationSeconds: 600 }).reveal();
    },
  };
}
