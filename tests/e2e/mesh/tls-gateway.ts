// A gateway that ends TLS for one host, and what a client on the machine can speak with it.

import { type ConnectionOptions, connect } from "node:tls";

export const tlsGateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: test }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [shop.example]
      tls: { mode: SIMPLE, credentialName: shop }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: edge, namespace: test }
spec:
  hosts: [shop.example]
  gateways: [edge]
  http: [{ route: [{ destination: { host: echo, port: { number: 80 } } }] }]
`;

export function meshConfig(config: string): string {
  return `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data: { mesh: '${config}' }
`;
}

/** With a gateway's server; undefined where there was no handshake. */
export function versionSpoken(port: number, options: ConnectionOptions): Promise<string | undefined> {
  return new Promise((resolve) => {
    const here = { host: "127.0.0.1", port, servername: "shop.example", rejectUnauthorized: false };
    const socket = connect({ ...here, ...options }, () => {
      resolve(socket.getProtocol() ?? undefined);
      socket.destroy();
    });
    socket.once("error", () => resolve(undefined));
  });
}
