import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { declareProblems } from "./problems.ts";

const MESH = `
apiVersion: v1
kind: Service
metadata: { name: stray, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 15001 }] }
---
apiVersion: v1
kind: Service
metadata: { name: fine, namespace: shop }
spec: { clusterIP: 10.96.0.2, ports: [{ name: status-port, port: 15021 }] }
---
apiVersion: v1
kind: Service
metadata: { name: loop, namespace: shop }
spec: { clusterIP: 10.96.0.3, ports: [{ name: tcp, port: 80, targetPort: 15006 }] }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: range, namespace: shop }
spec:
  hosts: [a.com]
  addresses: [192.0.2.0/24]
  ports: [{ number: 15090, name: tcp, protocol: TCP }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: range-too, namespace: shop }
spec:
  hosts: [a.com]
  addresses: [192.0.2.0/24]
  ports: [{ number: 15020, name: tcp-too, protocol: TCP }]
---
apiVersion: v1
kind: Pod
metadata: { name: edge-1, namespace: infra, labels: { app: edge } }
spec: { containers: [{ name: app, image: auto }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec:
  selector: { app: edge }
  servers: [{ port: { number: 15021, name: http, protocol: HTTP }, hosts: ["*"] }]
`;

test("declareProblems() warns of ports that proxies listen on themselves, where that gets in the way", () => {
  const mesh = meshFixture();
  const problems = declareProblems(mesh.graph, mesh.sources, mesh.model);
  mesh.put(MESH);
  const found = [...problems.entries()].flatMap(([, ofObject]) => ofObject);
  assert.deepEqual(found.map(({ object, path, message }) => `${object} ${path}: ${message}`).sort(), [
    "Gateway/shop/edge spec.servers[0].port.number: Cannot open port 15021: gateways listen on it themselves",
    "Service/shop/loop spec.ports[0].targetPort: Port 15006 of the pods can't be called through a sidecar, which takes captured traffic on it",
    "Service/shop/stray spec.ports[0]: Sidecars can't route calls to port 15001: they listen on it themselves",
    "ServiceEntry/shop/range spec.ports[0]: Sidecars can't route calls to port 15090: they listen on it themselves",
    "ServiceEntry/shop/range-too spec.ports[0]: Sidecars can't route calls to port 15020: they listen on it themselves",
  ]);
  assert.deepEqual(
    [...new Set(found.map(({ code, severity }) => `${code} ${severity}`))],
    ["MLT2017 warning"],
  );
});
