// The server as the API server meets it: over TLS, with good questions, bad ones and noise.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request as httpsRequest } from "node:https";
import { after, before, describe, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import fc from "fast-check";
import { createTestRoot } from "../../tests/support/certificates.ts";
import { silentLogger } from "../core/logger.ts";
import { objectKey } from "../core/object-key.ts";
import { problem } from "../core/problem.ts";
import { redacted } from "../core/redacted.ts";
import { injectPod } from "../inject/inject-pod.ts";
import { defaultInjectionSettings, type InjectionSettings } from "../inject/injection-settings.ts";
import { applyJsonPatch } from "./apply-json-patch.ts";
import type { JsonPatch } from "./json-patch.ts";
import { createWebhookServer, type WebhookServer } from "./webhook-server.ts";

const root = await createTestRoot("mesh");

describe("webhook server", () => {
  const MAX_BODY_BYTES = 64 * 1024;
  let settings: InjectionSettings | undefined = defaultInjectionSettings;
  let server: WebhookServer;
  let port = 0;
  let told: string[] = [];
  const agent = new Agent({ keepAlive: true, ca: root.certificate, maxSockets: 4 });

  before(async () => {
    server = createWebhookServer({
      log: silentLogger,
      certificate: await certificateFor("spiffe://cluster.local/ns/meltemi-system/sa/first"),
      injectionSettings: () => settings,
      problemsBesideOthers: async ({ kind, metadata: { namespace = "", name } }) =>
        kind === "AuthorizationPolicy"
          ? [
              problem("MLT2026", {
                message: "nobody can be asked",
                object: objectKey({ kind, namespace, name }),
              }),
            ]
          : [],
      events: {
        injection: (outcome, durationMs) => void told.push(`${outcome} ${durationMs >= 0}`),
        validation: ({ group, version, resource }, outcome) =>
          void told.push(`${group}/${version} ${resource} ${outcome}`),
      },
      maxBodyBytes: MAX_BODY_BYTES,
    });
    port = await server.listen(0, "127.0.0.1");
  });
  after(async () => {
    agent.destroy();
    await server.close();
  });

  async function certificateFor(uri: string) {
    const { certificate, key } = await root.issue(uri);
    return { chainPem: certificate, keyPem: redacted(key) };
  }

  interface Reply {
    readonly status: number;
    readonly body: unknown;
  }

  interface Sending {
    readonly method?: string;
    readonly contentType?: string;
  }

  function post(path: string, body: string | Buffer, { method = "POST", contentType }: Sending = {}) {
    return new Promise<Reply>((resolve, reject) => {
      const headers = { "content-type": contentType ?? "application/json" };
      const sent = httpsRequest({ host: "localhost", port, path, method, agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) });
        });
        response.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  interface Answer {
    readonly uid: string;
    readonly allowed: boolean;
    readonly patch?: string;
    readonly patchType?: string;
    readonly warnings?: readonly string[];
    readonly status?: { readonly message: string };
  }

  async function ask(path: string, question: object): Promise<Answer> {
    const request = { uid: "u1", operation: "CREATE", namespace: "shop", ...question };
    const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request };
    const { status, body } = await post(path, JSON.stringify(review));
    assert.equal(status, 200, JSON.stringify(body));
    const { response, ...head } = body as { response: Answer };
    assert.deepEqual(head, { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" });
    assert.equal(response.uid, "u1");
    return response;
  }

  function patchIn({ patch, patchType }: Answer): JsonPatch {
    assert.equal(patchType, "JSONPatch");
    return JSON.parse(Buffer.from(patch ?? "", "base64").toString()) as JsonPatch;
  }

  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5f7d", uid: "1", controller: true };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: "web-5f7d-",
      labels: { app: "web", "pod-template-hash": "5f7d" },
      ownerReferences: [owner],
    },
    spec: {
      containers: [
        {
          name: "web",
          image: "shop/web",
          ports: [{ containerPort: 8080 }],
          readinessProbe: { httpGet: { path: "/", port: 8080 } },
        },
      ],
      volumes: [{ name: "data", emptyDir: {} }],
    },
  };

  function injectedBy(changes: Partial<InjectionSettings> = {}) {
    const metadata = { ...pod.metadata, namespace: "shop" };
    const injection = injectPod({ metadata, spec: pod.spec }, undefined, {
      ...defaultInjectionSettings,
      ...changes,
    });
    assert.ok(injection.kind === "injected");
    const { namespace: _, ...rest } = injection.pod.metadata;
    return JSON.parse(JSON.stringify({ ...pod, metadata: rest, spec: injection.pod.spec })) as object;
  }

  test("/inject answers a patch that makes the injected pod of the pod", async () => {
    const answer = await ask("/inject", { object: pod });
    assert.ok(answer.allowed);
    const patch = patchIn(answer);
    assert.deepEqual(applyJsonPatch(pod, patch), injectedBy());
    const paths = patch.map(({ path }) => path);
    assert.ok(!paths.includes("/spec/containers/0"), `the app's container is replaced whole: ${paths}`);
  });

  test("/inject/cluster/X/net/Y says where its pods are", async () => {
    const answer = await ask("/inject/cluster/east/net/blue?timeout=10s", { object: pod });
    assert.deepEqual(
      applyJsonPatch(pod, patchIn(answer)),
      injectedBy({ clusterId: "east", network: "blue" }),
    );
  });

  test("/inject patches nothing for a pod that refuses", async () => {
    const labels = { "sidecar.istio.io/inject": "false" };
    const answer = await ask("/inject", { object: { ...pod, metadata: { labels } } });
    assert.deepEqual(answer, { uid: "u1", allowed: true });
  });

  test("/inject takes a pod without metadata", async () => {
    const answer = await ask("/inject", { object: { spec: pod.spec } });
    const injected = applyJsonPatch({ spec: pod.spec }, patchIn(answer)) as typeof pod;
    assert.deepEqual(
      injected.spec.containers.map(({ name }) => name),
      ["web", "istio-proxy"],
    );
  });

  test("/inject refuses a pod whose annotations can't be read", async () => {
    const annotations = { "traffic.sidecar.istio.io/includeOutboundIPRanges": "ten" };
    const answer = await ask("/inject", { object: { ...pod, metadata: { annotations } } });
    assert.equal(answer.allowed, false);
    assert.match(answer.status?.message ?? "", /Cannot inject the sidecar: .*"ten"/);
  });

  test("/inject leaves a pod alone that is there already", async () => {
    assert.deepEqual(await ask("/inject", { operation: "UPDATE", object: pod }), {
      uid: "u1",
      allowed: true,
    });
  });

  test("/inject refuses while the mesh's configuration isn't known", async (context) => {
    settings = undefined;
    context.after(() => {
      settings = defaultInjectionSettings;
    });
    assert.equal((await ask("/inject", { object: pod })).allowed, false);
  });

  test("/inject warns of init containers that a plugin's capture leaves without network", async (context) => {
    settings = { ...defaultInjectionSettings, capture: "cni" };
    context.after(() => {
      settings = defaultInjectionSettings;
    });
    const initContainers = [{ name: "migrate", image: "shop/migrate" }];
    const withInit = { ...pod, spec: { ...pod.spec, initContainers } };
    const { allowed, warnings = [] } = await ask("/inject", { object: withInit });
    assert.ok(allowed);
    assert.match(warnings[0] ?? "", /^Init containers "migrate" have no network/);
    assert.equal((await ask("/inject", { object: pod })).warnings, undefined);
  });

  const virtualService = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "VirtualService",
    metadata: { name: "reviews", namespace: "shop", uid: "7", managedFields: [{ manager: "kubectl" }] },
    spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] },
  };
  const wrongSpec = { hosts: ["reviews"], http: [{ timeout: "fast", route: [] }] };

  test("/validate allows what is right", async () => {
    assert.deepEqual(await ask("/validate", { object: virtualService }), { uid: "u1", allowed: true });
  });

  test("/validate refuses what the command line calls an error, in its words", async () => {
    const { allowed, status } = await ask("/validate", { object: { ...virtualService, spec: wrongSpec } });
    assert.equal(allowed, false);
    assert.match(
      status?.message ?? "",
      /error MLT100\d VirtualService shop\/reviews spec\.http\[0\]\.timeout: .*"fast"/,
    );
  });

  test("/validate lets a wrong object that stays as it is change its labels, with a warning", async () => {
    const oldObject = { ...virtualService, spec: wrongSpec };
    const object = { ...oldObject, metadata: { ...virtualService.metadata, labels: { a: "b" } } };
    const { allowed, warnings = [] } = await ask("/validate", { operation: "UPDATE", object, oldObject });
    assert.ok(allowed);
    assert.match(warnings[0] ?? "", /spec\.http\[0\]\.timeout/);
  });

  test("/validate says what is ignored as a warning", async () => {
    const destinationRule = {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name: "reviews", namespace: "shop" },
      spec: {
        host: "reviews",
        trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true, minimumRingSize: 10 } } },
      },
    };
    const { allowed, warnings = [] } = await ask("/validate", { object: destinationRule });
    assert.ok(allowed);
    assert.ok(
      warnings.some((text) => text.includes("minimumRingSize is deprecated")),
      String(warnings),
    );
  });

  test("/validate warns of what is wrong beside other objects, and never refuses for it", async () => {
    const policy = {
      apiVersion: "security.istio.io/v1",
      kind: "AuthorizationPolicy",
      metadata: { name: "asked" },
      spec: { action: "CUSTOM", provider: { name: "nobody" }, rules: [{}] },
    };
    const warning = "error MLT2026 AuthorizationPolicy shop/asked: nobody can be asked";
    const asked = await ask("/validate", { object: policy });
    assert.deepEqual([asked.allowed, asked.warnings], [true, [warning]]);
    const wrong = { ...policy, spec: { ...policy.spec, action: "DENIED" } };
    const { allowed, warnings = [] } = await ask("/validate", { object: wrong });
    assert.equal(allowed, false);
    assert.ok(!warnings.includes(warning), String(warnings));
    const untouched = await ask("/validate", { operation: "UPDATE", object: wrong, oldObject: wrong });
    assert.ok(untouched.allowed);
  });

  test("/validate allows deletions and kinds that aren't ours", async () => {
    const oldObject = { ...virtualService, spec: wrongSpec };
    assert.ok((await ask("/validate", { operation: "DELETE", object: null, oldObject })).allowed);
    assert.ok(
      (await ask("/validate", { object: { ...virtualService, apiVersion: "example.com/v1" } })).allowed,
    );
  });

  for (const [name, path, body, sending, status] of [
    ["another path", "/inject/cluster", "{}", {}, 404],
    ["a path of noise", "/inject/%ff/x", "{}", {}, 404],
    ["another method", "/inject", "", { method: "PUT" }, 405],
    ["another type of content", "/inject", "{}", { contentType: "text/plain" }, 415],
    ["text that isn't JSON", "/inject", "{", {}, 400],
    ["another version", "/validate", '{"apiVersion":"admission.k8s.io/v1beta1"}', {}, 400],
    ["a review without a pod", "/inject", review({ object: { kind: "Pod", spec: "much" } }), {}, 400],
    ["a body beyond the bound", "/validate", " ".repeat(MAX_BODY_BYTES + 1), {}, 413],
  ] as const) {
    test(`${name} is refused with ${status}`, async () => {
      assert.equal((await post(path, body, sending)).status, status);
    });
  }

  test("/inject refuses a pod whose field isn't of its type, with the field's path and little of its value", async () => {
    const [web] = pod.spec.containers;
    const wrong = { ...pod, spec: { ...pod.spec, containers: [{ ...web, ports: "x".repeat(50_000) }] } };
    const { allowed, status, patch } = await ask("/inject", { object: wrong });
    assert.equal(allowed, false);
    assert.equal(patch, undefined);
    assert.match(
      status?.message ?? "",
      /^Cannot inject the sidecar: .*spec\.containers\[0\]\.ports: .*wanted a list/,
    );
    assert.ok((status?.message.length ?? 0) < 300, status?.message);
  });

  function review(request: object): string {
    return JSON.stringify({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: { uid: "u", operation: "CREATE", namespace: "shop", ...request },
    });
  }

  test("what became of each review is told, in words of ours alone", async () => {
    told = [];
    await ask("/inject", { object: pod });
    const labels = { ...pod.metadata.labels, "sidecar.istio.io/inject": "false" };
    await ask("/inject", { object: { ...pod, metadata: { ...pod.metadata, labels } } });
    const gateway = { kind: "Gateway", metadata: { name: "edge" }, spec: { servers: "none" } };
    await ask("/validate", { object: { ...gateway, apiVersion: "networking.istio.io/v9-invented" } });
    await ask("/validate", { object: { ...gateway, apiVersion: "invented.example/v1" } });
    assert.deepEqual(told, ["injected true", "skipped true", "networking.istio.io/v1 gateways failed"]);
  });

  test("any bytes are answered without failing", async () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.json(),
      fc.constantFrom("[".repeat(30_000), `{"apiVersion":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("/inject", "/validate"), noise, async (path, body) => {
        assert.equal((await post(path, body)).status, 400);
      }),
      { numRuns: 200 },
    );
  });

  /** A value of the place of a good one, anywhere in it. */
  function damaged(value: object): fc.Arbitrary<object> {
    const paths: string[][] = [];
    const walk = (at: unknown, path: string[]) => {
      if (path.length > 0) paths.push(path);
      if (typeof at === "object" && at !== null)
        for (const [name, inner] of Object.entries(at)) walk(inner, [...path, name]);
    };
    walk(value, []);
    return fc.tuple(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 })).map(([path, put]) => {
      const copy = structuredClone(value) as Record<string, unknown>;
      let parent: Record<string, unknown> = copy;
      for (const part of path.slice(0, -1)) parent = parent[part] as Record<string, unknown>;
      parent[path.at(-1) ?? ""] = put;
      return copy;
    });
  }

  test("a review that is damaged anywhere is answered, and never half injected", async () => {
    const good = JSON.parse(review({ object: pod })) as object;
    const other = JSON.parse(review({ object: virtualService })) as object;
    const cases = fc.oneof(
      damaged(good).map((body) => ["/inject", body] as const),
      damaged(other).map((body) => ["/validate", body] as const),
    );
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(cases, async ([path, damagedReview]) => {
        const { status, body } = await post(path, JSON.stringify(damagedReview));
        const answer = (body as { response?: Answer }).response;
        const outcome = status === 200 ? String(answer?.allowed) : String(status);
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        assert.ok(["true", "false", "400"].includes(outcome), `${outcome}: ${JSON.stringify(body)}`);
        if (answer?.patch === undefined) return;
        const { object } = (damagedReview as { request: { object: object } }).request;
        const { spec } = applyJsonPatch(object, patchIn(answer)) as typeof pod;
        assert.ok(spec.containers.some(({ name }) => name === "istio-proxy"));
      }),
      { numRuns: 400 },
    );
    assert.deepEqual([...seen.keys()].sort(), ["400", "false", "true"]);
  });

  test("updateCertificate() is for connections from then on", async () => {
    const before = await serverIdentity();
    await server.updateCertificate(
      await certificateFor("spiffe://cluster.local/ns/meltemi-system/sa/second"),
    );
    assert.match(before, /first/);
    assert.match(await serverIdentity(), /second/);
  });

  async function serverIdentity(): Promise<string> {
    const socket: TLSSocket = connect({ port, host: "localhost", ca: root.certificate });
    await once(socket, "secureConnect");
    const { subjectaltname = "" } = socket.getPeerCertificate();
    socket.destroy();
    return subjectaltname;
  }
});
