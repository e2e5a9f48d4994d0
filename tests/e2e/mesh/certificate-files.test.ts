// Certificates in files that a Gateway or a DestinationRule names by their path in the proxy's container: read from its
// volumes, followed when they change, and nothing else of the machine's.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { chmod, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";
import type { ServerCertificate } from "./server-certificate.ts";
import { makeServerCertificate, tlsSecret } from "./server-certificate.ts";

let mesh: RunningMesh;
let partner: ServerCertificate;
let shopCertificates: readonly [ServerCertificate, ServerCertificate];
/** Of the machine: one that the caller's proxy mounts, and one that nobody does. */
let mounted: string;
let unmounted: string;

before(
  async () => {
    if (skip !== false) return;
    [mounted, unmounted] = await Promise.all([publicDirectory(), publicDirectory()]);
    partner = await makeServerCertificate("partner.example");
    shopCertificates = [
      await makeServerCertificate("shop.example"),
      await makeServerCertificate("shop.example"),
    ];
    await writeFile(join(unmounted, "ca.pem"), partner.certificatePem);
    mesh = await startMesh({
      files: {
        "gateway.yaml": gateway,
        "partner.yaml": partnerServer,
        "caller.yaml": caller(mounted),
        "shop-certificate.yaml": tlsSecret("shop-certificate", shopCertificates[0]),
        "partner-certificate.yaml": tlsSecret("partner-certificate", partner),
        "rule.yaml": rule("/etc/partner/ca.pem"),
      },
    });
  },
  { timeout: 120_000 },
);
after(async () => {
  await mesh?.close();
  await Promise.all([mounted, unmounted].map((path) => path && rm(path, { recursive: true })));
});

async function publicDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "meltemi-certificates-"));
  await chmod(path, 0o755);
  return path;
}

const gateway = `
apiVersion: v1
kind: Service
metadata: {name: gateway, namespace: test}
spec:
  type: LoadBalancer
  selector: {istio: ingressgateway}
  ports: [{name: https, port: 443, targetPort: 8443}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: test}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  template:
    metadata:
      labels: {istio: ingressgateway, sidecar.istio.io/inject: "true"}
      annotations: {inject.istio.io/templates: gateway}
    spec:
      containers:
        - name: istio-proxy
          image: auto
          volumeMounts: [{name: certificates, mountPath: /etc/istio/ingressgateway-certs, readOnly: true}]
      volumes: [{name: certificates, secret: {secretName: shop-certificate, optional: true}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: test}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: 443, name: https, protocol: HTTPS}
      hosts: [shop.example]
      tls:
        mode: SIMPLE
        serverCertificate: /etc/istio/ingressgateway-certs/tls.crt
        privateKey: /etc/istio/ingressgateway-certs/tls.key
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: test}
spec:
  hosts: [shop.example]
  gateways: [edge]
  http: [{route: [{destination: {host: echo, port: {number: 80}}}]}]
`;

const partnerServer = `
apiVersion: v1
kind: Service
metadata: {name: partner, namespace: test}
spec:
  selector: {app: partner}
  ports: [{name: http, port: 80, targetPort: 8443}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: partner, namespace: test}
spec:
  selector: {matchLabels: {app: partner}}
  template:
    metadata: {labels: {app: partner, sidecar.istio.io/inject: "false"}}
    spec:
      containers:
        - name: echo
          image: meltemi-test/echo
          env:
            - {name: VERSION, value: partner}
            - {name: TLS_DIRECTORY, value: /etc/tls-server}
          volumeMounts: [{name: tls, mountPath: /etc/tls-server}]
          readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
      volumes: [{name: tls, secret: {secretName: partner-certificate}}]
`;

const caller = (directory: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: caller, namespace: test}
spec:
  selector: {matchLabels: {app: caller}}
  template:
    metadata:
      labels: {app: caller}
      annotations:
        sidecar.istio.io/userVolume: '{"partner": {"hostPath": {"path": "${directory}"}}}'
        sidecar.istio.io/userVolumeMount: |
          {"partner": {"mountPath": "/etc/partner", "readOnly": true}, "scratch": {"mountPath": "/etc/scratch"}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: client
          image: none
          command: [sleep, infinity]
          volumeMounts: [{name: scratch, mountPath: /scratch}]
      volumes: [{name: scratch, emptyDir: {}}]
`;

const rule = (caCertificates: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: partner, namespace: test}
spec:
  host: partner
  workloadSelector: {matchLabels: {app: caller}}
  trafficPolicy:
    tls: {mode: SIMPLE, sni: partner.example, subjectAltNames: [partner.example], caCertificates: ${caCertificates}}
`;

test("a gateway serves the certificate of a Secret that it mounts, and its successor", { skip }, async () => {
  const [first, second] = shopCertificates;
  const call = {
    url: `${await mesh.gatewayUrl(443)}/`,
    host: "shop.example",
    ca: first.certificatePem + second.certificatePem,
    isNew: true,
  };
  const machine = mesh.machineClient();
  const assertServed = ({ certificatePem }: ServerCertificate) =>
    eventually(async () => {
      const { status, serial, error } = await machine.request(call);
      assert.deepEqual([status, serial], [200, new X509Certificate(certificatePem).serialNumber], error);
    });
  await assertServed(first);
  await mesh.save("shop-certificate.yaml", tlsSecret("shop-certificate", second));
  await assertServed(second);
});

async function answersPartner(status: number): Promise<void> {
  const client = await mesh.client("caller");
  await eventually(async () => {
    const response = await client.request({ url: "http://partner/", isNew: true });
    assert.equal(response.status, status, response.body);
  });
}

async function runAsCaller(script: string): Promise<void> {
  const [program, ...args] = await mesh.exec("caller", ["sh", "-c", script]);
  await promisify(execFile)(program, args);
}

test("a sidecar trusts the CA in a directory that it mounts, once it is there", { skip }, async () => {
  await answersPartner(503);
  await eventually(async () =>
    assert.match(mesh.output(), /MLT3124.*\n?.*\/etc\/partner\/ca\.pem can't be read \(ENOENT\)/),
  );
  await writeFile(join(mounted, "new.pem"), partner.certificatePem);
  await rename(join(mounted, "new.pem"), join(mounted, "ca.pem"));
  await answersPartner(200);
});

test("a sidecar follows links within its volumes, and none that leads out of them", { skip }, async () => {
  await runAsCaller(`ln -s ${unmounted}/ca.pem /scratch/outside.pem`);
  await mesh.save("rule.yaml", rule("/etc/scratch/outside.pem"));
  await answersPartner(503);
  const leadsOut = `/etc/scratch/outside.pem leads to ${unmounted}/ca.pem, which is in no volume`;
  await eventually(async () => assert.ok(mesh.output().includes(leadsOut), mesh.output()));
  await runAsCaller(
    "mkdir /scratch/v1 && cat > /scratch/v1/ca.pem <<END\n" +
      `${partner.certificatePem}END\nln -s v1 /scratch/current`,
  );
  await mesh.save("rule.yaml", rule("/etc/scratch/current/ca.pem"));
  await answersPartner(200);
});

test("a file of the machine that no volume shows isn't read", { skip }, async () => {
  await mesh.save("rule.yaml", rule(`${unmounted}/ca.pem`));
  await answersPartner(503);
  const reason = `${unmounted}/ca.pem is in no volume that the proxy's container mounts`;
  await eventually(async () => assert.ok(mesh.output().includes(reason), mesh.output()));
});

test("a command in the proxy's container sees its volumes", { skip }, async () => {
  const [program, ...args] = await mesh.exec("caller", ["cat", "/etc/partner/ca.pem"], {
    container: "istio-proxy",
  });
  const { stdout } = await promisify(execFile)(program, args);
  assert.equal(stdout, partner.certificatePem);
});
