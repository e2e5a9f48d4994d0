// What the attacker meets: `vault`, which takes mTLS alone and lets in one ServiceAccount; of the echo's two versions the
// first has rules of DENY and the second one of ALLOW; and both know an issuer of tokens.

export const ISSUER = "https://issuer.tour";
export const ALLOWED_PRINCIPAL = "cluster.local/ns/test/sa/client";

export function tourManifests(jwks: string): string {
  return `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: meltemi-system}
data:
  mesh: |
    accessLogFile: /dev/stdout
    pathNormalization: {normalization: DECODE_AND_MERGE_SLASHES}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: vault, namespace: test}
---
apiVersion: v1
kind: Service
metadata: {name: vault, namespace: test}
spec:
  selector: {app: vault}
  ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 9000}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: vault, namespace: test}
spec:
  selector: {matchLabels: {app: vault}}
  template:
    metadata:
      labels: {app: vault}
      annotations: {traffic.sidecar.istio.io/excludeInboundPorts: "9001"}
    spec:
      serviceAccountName: vault
      volumes:
      - name: tokens
        projected:
          sources:
          - {serviceAccountToken: {path: other, audience: elsewhere, expirationSeconds: 3600}}
          - {serviceAccountToken: {path: own, audience: istio-ca, expirationSeconds: 3600}}
      containers:
      - name: vault
        image: meltemi-test/echo
        env: [{name: VERSION, value: vault}]
        volumeMounts: [{name: tokens, mountPath: /var/run/tokens}]
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: vault, namespace: test}
spec:
  selector: {matchLabels: {app: vault}}
  mtls: {mode: STRICT}
---
${authorization("vault", "app: vault", `rules: [{from: [{source: {principals: ["${ALLOWED_PRINCIPAL}"]}}]}]`)}
---
${authorization(
  "deny",
  "app: echo, version: v1",
  `action: DENY
  rules:
  - {to: [{operation: {paths: ["/admin", "/admin/*"]}}]}
  - {to: [{operation: {hosts: ["secret.example", "secret.example:*"]}}]}
  - {when: [{key: "request.headers[x-role]", values: [banned]}]}
  - {from: [{source: {namespaces: [test]}}], to: [{operation: {methods: [DELETE]}}]}`,
)}
---
${authorization(
  "allow",
  "app: echo, version: v2",
  `rules:
  - {to: [{operation: {paths: ["/public/*", "/"], hosts: ["echo", "public.example"]}}]}
  - {to: [{operation: {paths: ["/role"]}}], when: [{key: "request.headers[x-role]", values: [admin]}]}
  - {to: [{operation: {paths: ["/token"]}}], when: [{key: "request.auth.claims[team]", values: [blue]}]}
  - {to: [{operation: {paths: ["/peer"]}}], from: [{source: {principals: ["${ALLOWED_PRINCIPAL}"]}}]}`,
)}
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: echo, namespace: test}
spec:
  selector: {matchLabels: {app: echo}}
  jwtRules:
  - issuer: ${ISSUER}
    audiences: [shop]
    fromHeaders: [{name: Authorization, prefix: "Bearer "}]
    fromParams: [token]
    outputClaimToHeaders: [{header: x-team, claim: team}]
    jwks: '${jwks}'
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: test}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: test}
spec:
  hosts: ["*"]
  gateways: [edge]
  http: [{route: [{destination: {host: echo, port: {number: 80}, subset: v1}}]}]
`;
}

function authorization(name: string, labels: string, spec: string): string {
  return `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: test}
spec:
  selector: {matchLabels: {${labels}}}
  ${spec}`;
}
