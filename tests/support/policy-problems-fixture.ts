// For tests: the Problems of one AuthorizationPolicy in a small mesh, with a gateway that routes to a workload.

import { objectKey } from "../../src/core/object-key.ts";
import { declareProblems } from "../../src/model/problems/problems.ts";
import { meshFixture } from "./mesh-fixture.ts";

const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: infra }
spec:
  selector: { istio: ingressgateway }
  servers: [{ hosts: ["*"], port: { number: 80, name: http, protocol: HTTP } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { hosts: ["*"], gateways: [infra/edge], http: [{ route: [{ destination: { host: web } }] }] }
`;

export const pod = (
  namespace: string,
  name: string,
  more: { labels?: object; annotations?: object; args?: string[]; container?: object } = {},
) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace,
      name,
      labels: { app: name, "security.istio.io/tlsMode": "istio", ...more.labels },
      annotations: more.annotations ?? {},
    },
    spec: {
      serviceAccountName: name,
      containers: [{ name, image: name, args: more.args ?? [], ...more.container }],
    },
    status: { podIP: "10.0.0.1", phase: "Running" },
  });

interface ServiceText {
  readonly selector?: string;
  readonly namespace?: string;
  readonly annotations?: string;
}

export const service = (
  name: string,
  ports: string,
  { selector = `{ app: ${name} }`, namespace = "shop", annotations = "{}" }: ServiceText = {},
) => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace}, annotations: ${annotations} }
spec: { clusterIP: 10.96.0.1, selector: ${selector}, ports: ${ports} }
`;

/** Checks tokens of the namespace's workloads. */
export const LOGIN = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: login, namespace: shop }
spec: { jwtRules: [{ issuer: idp, jwks: '{"keys":[{"kty":"oct","kid":"a","alg":"HS256","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"}]}' }] }
`;

const namespaces = ["shop", "infra", "monitoring"].map(
  (name) => `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`,
);

interface Around {
  readonly mesh?: string;
  readonly more?: readonly string[];
  /** The policy's. */
  readonly namespace?: string;
}

/** But for pods that no policy is for, which most of these have. */
export function codesOf(spec: string, around: Around = {}): readonly string[] {
  return problemsOf(spec, around).flatMap(({ code, severity }) =>
    code === "MLT2048" ? [] : [`${code} ${severity}`],
  );
}

export function problemsOf(spec: string, { namespace = "shop", ...around }: Around = {}) {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  put([meshAround(around), policyText(spec, namespace)].join("\n---\n"));
  return problems.get(objectKey({ kind: "AuthorizationPolicy", namespace, name: "p" })) ?? [];
}

/** All but the policy. */
export function meshAround({ mesh = "{}", more = [] }: Omit<Around, "namespace"> = {}): string {
  return [
    `apiVersion: meltemi.dev/v1\nkind: MeshConfig\nmetadata: { name: mesh }\nspec: ${mesh}\n`,
    ...namespaces,
    GATEWAY,
    service("web", "[{ name: http, port: 80 }]"),
    pod("shop", "web"),
    pod("infra", "edge", { labels: { istio: "ingressgateway" }, args: ["proxy", "router"] }),
    ...more,
  ].join("\n---\n");
}

export function policyText(spec: string, namespace = "shop"): string {
  return `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: p, namespace: ${namespace} }\nspec: ${spec}\n`;
}
