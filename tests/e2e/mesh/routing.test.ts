// Where requests go by VirtualService and DestinationRule, and what becomes of them on the way.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { applyRoutes, ROUTES_FILE } from "./echo-routes.ts";
import { eventually } from "./eventually.ts";
import type { PodClient, RequestOptions } from "./pod-client.ts";
import { addRuledService } from "./ruled-service.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

let mesh: RunningMesh;
let client: PodClient;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ manifests: ["second-client.yaml"] });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

const route = (routes: string) => applyRoutes(mesh, client, routes);

/** Which version answers, or the status where none does. */
async function versionFor(options: RequestOptions | string, from = client): Promise<string | number> {
  const { status, headers } = await from.request(options);
  return headers["x-version"] ?? status;
}

const toV1 = "\n- route: [{destination: {host: echo, subset: v1}}]\n";
const toV2 = (match: string) => `
- match: [${match}]
  route: [{destination: {host: echo, subset: v2}}]
${toV1}`;

const url = "http://echo/";

const matches: readonly {
  readonly match: string;
  readonly hits: readonly RequestOptions[];
  readonly misses: readonly RequestOptions[];
}[] = [
  {
    match: "{headers: {user: {exact: ann}}}",
    hits: [{ url, headers: { user: "ann" } }],
    misses: [{ url, headers: { user: "anna" } }, { url }],
  },
  {
    match: "{headers: {user: {prefix: an}}}",
    hits: [{ url, headers: { user: "ann" } }],
    misses: [{ url, headers: { user: "joan" } }],
  },
  {
    match: '{headers: {cookie: {regex: "^(.*; )?user=ann(;.*)?$"}}}',
    hits: [{ url, headers: { cookie: "a=b; user=ann" } }],
    misses: [{ url, headers: { cookie: "user=annabel" } }],
  },
  {
    match: "{withoutHeaders: {user: {}}}",
    hits: [{ url }],
    misses: [{ url, headers: { user: "ann" } }],
  },
  {
    match: "{uri: {exact: /books}}",
    hits: [{ url: "http://echo/books" }, { url: "http://echo/books?page=2" }],
    misses: [{ url: "http://echo/books/1" }, { url: "http://echo/Books" }],
  },
  {
    match: "{uri: {prefix: /books}}",
    hits: [{ url: "http://echo/books" }, { url: "http://echo/books/1" }],
    misses: [{ url: "http://echo/book" }],
  },
  {
    match: '{uri: {regex: "/books/[0-9]+"}}',
    hits: [{ url: "http://echo/books/17" }],
    misses: [{ url: "http://echo/books/x" }, { url: "http://echo/books/17/reviews" }],
  },
  {
    match: "{uri: {exact: /books}, ignoreUriCase: true}",
    hits: [{ url: "http://echo/BOOKS" }],
    misses: [{ url: "http://echo/BOOK" }],
  },
  {
    match: "{method: {exact: POST}}",
    hits: [{ url, method: "POST", body: "x" }],
    misses: [{ url }],
  },
  {
    match: "{queryParams: {test: {exact: beta}}}",
    hits: [{ url: "http://echo/?a=1&test=beta" }],
    misses: [{ url: "http://echo/?test=alpha" }],
  },
  {
    match: "{authority: {prefix: echo.test}}",
    hits: [{ url: "http://echo.test/" }],
    misses: [{ url }],
  },
  {
    match: "{uri: {prefix: /a}, headers: {user: {exact: ann}}}, {uri: {prefix: /b}}",
    hits: [{ url: "http://echo/a", headers: { user: "ann" } }, { url: "http://echo/b" }],
    misses: [{ url: "http://echo/a" }],
  },
];

for (const { match, hits, misses } of matches) {
  test(`match ${match} takes what it says and nothing else`, { skip }, async () => {
    await route(toV2(match));
    for (const hit of hits) assert.equal(await versionFor(hit), "v2", JSON.stringify(hit));
    for (const miss of misses) assert.equal(await versionFor(miss), "v1", JSON.stringify(miss));
  });
}

test("sourceLabels route by who calls", { skip }, async () => {
  const second = await mesh.client("client-two");
  await route(toV2("{sourceLabels: {app: client-two}}"));
  assert.equal(await versionFor(url), "v1");
  await eventually(async () => assert.equal(await versionFor(url, second), "v2"));
});

test("rewrite changes path and authority on the way to the server", { skip }, async () => {
  await route(`
- match: [{uri: {prefix: /old/}}]
  rewrite: {uri: /new/, authority: somewhere.example}
  route: [{destination: {host: echo}}]
- match: [{uri: {regex: "/users/.*"}}]
  rewrite: {uriRegexRewrite: {match: "/users/([^/]+)/(.*)", rewrite: '/\\2/of/\\1'}}
  route: [{destination: {host: echo}}]
`);
  const { path, headers } = await client.echo("http://echo/old/page?a=1");
  assert.equal(path, "/new/page?a=1");
  assert.equal(headers.host, "somewhere.example");
  assert.equal((await client.echo("http://echo/users/ann/books")).path, "/books/of/ann");
});

test("redirect sends the caller elsewhere", { skip }, async () => {
  await route(`
- match: [{uri: {exact: /old}}]
  redirect: {uri: /new, authority: elsewhere.example, redirectCode: 308}
- match: [{uri: {exact: /secure}}]
  redirect: {scheme: https, port: 8443}
- match: [{uri: {exact: /same-port}}]
  redirect: {scheme: https, derivePort: FROM_REQUEST_PORT}
${toV1}`);
  const moved = await client.request("http://echo/old");
  assert.equal(moved.status, 308);
  assert.equal(moved.headers.location, "http://elsewhere.example/new");
  const secure = await client.request("http://echo/secure");
  assert.equal(secure.status, 301);
  assert.equal(secure.headers.location, "https://echo:8443/secure");
  const samePort = await client.request("http://echo/same-port");
  assert.equal(samePort.headers.location, "https://echo:80/same-port");
});

test("a Service of type ExternalName is another name of the one that it stands for", { skip }, async () => {
  await mesh.save(
    "old-echo.yaml",
    `
apiVersion: v1
kind: Service
metadata: {name: old-echo, namespace: test}
spec: {type: ExternalName, externalName: echo.test.svc.cluster.local}
`,
  );
  await route(`
- headers: {response: {set: {x-routed: "yes"}}}
  route: [{destination: {host: echo, subset: v1}}]
`);
  await eventually(async () => {
    const { status, headers } = await client.request({ url: "http://old-echo/", isNew: true });
    assert.deepEqual([status, headers["x-routed"]], [200, "yes"]);
  });
});

test("headers are set, added and removed, for requests and responses, by route and by destination", {
  skip,
}, async () => {
  await route(`
- headers:
    request: {set: {x-set: route, host: set.example}, add: {x-added: route}, remove: [x-gone]}
    response: {set: {x-set: route}, remove: [x-pod]}
  route:
    - destination: {host: echo, subset: v1}
      headers: {request: {add: {x-added: destination}}, response: {add: {x-late: destination}}}
`);
  const sent = { "x-set": "caller", "x-added": "caller", "x-gone": "caller" };
  const response = await client.request({ url, headers: sent });
  assert.equal(response.headers["x-set"], "route");
  assert.equal(response.headers["x-late"], "destination");
  assert.equal(response.headers["x-pod"], undefined);
  const { headers } = JSON.parse(response.body) as { headers: Record<string, string> };
  assert.equal(headers["x-set"], "route");
  assert.equal(headers.host, "set.example");
  assert.equal(headers["x-gone"], undefined);
  assert.deepEqual(headers["x-added"]?.split(/, ?/).sort(), ["caller", "destination", "route"]);
});

test("mirror sends a copy elsewhere, and its answer nowhere", { skip }, async () => {
  const key = `mirror-${Math.random()}`;
  await route(`
- match: [{uri: {prefix: /mirrored}}]
  route: [{destination: {host: echo, subset: v1}}]
  mirror: {host: echo, subset: v2}
${toV2("{uri: {prefix: /look}}")}`);
  const { byVersion } = await client.many(20, { url: `http://echo/mirrored?key=${key}` });
  assert.deepEqual(byVersion, { v1: 20 });
  await eventually(async () => {
    const seen = await client.echo(`http://echo/look?count=${key}`);
    assert.deepEqual([seen.version, seen.count], ["v2", 20]);
  });
});

test("corsPolicy answers a preflight itself, and lets only the named origins in", { skip }, async () => {
  await route(`
- corsPolicy:
    allowOrigins: [{exact: "https://shop.example"}]
    allowMethods: [GET, PUT]
    allowHeaders: [x-token]
    maxAge: 1h
  route: [{destination: {host: echo}}]
`);
  const preflight = (origin: string) =>
    client.request({
      url,
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "PUT" },
    });
  const { status, headers } = await preflight("https://shop.example");
  assert.equal(status, 200);
  assert.equal(headers["x-version"], undefined, "the server wasn't asked");
  assert.equal(headers["access-control-allow-origin"], "https://shop.example");
  assert.equal(headers["access-control-allow-methods"], "GET,PUT");
  assert.equal(headers["access-control-allow-headers"], "x-token");
  assert.equal(headers["access-control-max-age"], "3600");
  const other = await preflight("https://evil.example");
  assert.equal(other.headers["access-control-allow-origin"], undefined);
});

test("directResponse answers without a server", { skip }, async () => {
  await route(`
- match: [{uri: {prefix: /maintenance}}]
  directResponse: {status: 503, body: {string: "back soon"}}
${toV1}`);
  const { status, body } = await client.request("http://echo/maintenance");
  assert.deepEqual([status, body], [503, "back soon"]);
  assert.equal(await versionFor(url), "v1");
});

test("a request that no route matches gets 404", { skip }, async () => {
  await route(`
- match: [{uri: {prefix: /only}}]
  route: [{destination: {host: echo}}]
`);
  assert.equal(await versionFor("http://echo/other"), 404);
});

test("a delegate's routes apply below its root's match", { skip }, async () => {
  await mesh.save(
    "delegate.yaml",
    `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: books, namespace: test}
spec:
  http:
    - match: [{uri: {prefix: /books/new}}]
      route: [{destination: {host: echo, subset: v2}}]
    - route: [{destination: {host: echo, subset: v1}}]
`,
  );
  await route(`
- match: [{uri: {prefix: /books}}]
  delegate: {name: books, namespace: test}
- directResponse: {status: 418}
`);
  await eventually(async () => assert.equal(await versionFor("http://echo/books/new/1"), "v2"));
  assert.equal(await versionFor("http://echo/books/old"), "v1");
  assert.equal(await versionFor("http://echo/elsewhere"), 418);
  await mesh.remove("delegate.yaml");
});

test("exportTo hides a VirtualService from other namespaces", { skip }, async () => {
  await mesh.remove(ROUTES_FILE);
  const exported = (to: string) =>
    mesh.save(
      "exported.yaml",
      `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: other}
spec:
  hosts: [echo.test.svc.cluster.local]
  exportTo: ["${to}"]
  http: [{directResponse: {status: 418}}]
`,
    );
  await exported("*");
  await eventually(async () => assert.equal(await versionFor(url), 418));
  await exported(".");
  await eventually(async () => assert.notEqual(await versionFor(url), 418));
  await exported("test");
  await eventually(async () => assert.equal(await versionFor(url), 418));
  await mesh.remove("exported.yaml");
});

test("consistentHash sends equal header values to one pod, and different ones to all", { skip }, async () => {
  await addRuledService(mesh, client, {
    name: "ring",
    selector: "app: echo",
    trafficPolicy: "{loadBalancer: {consistentHash: {httpHeaderName: x-user}}}",
  });
  const podsByUser = await Promise.all(
    Array.from({ length: 12 }, async (_, user) => {
      const headers = { "x-user": `user ${user}` };
      const { byPod } = await client.many(6, { url: "http://ring/", headers });
      return Object.keys(byPod);
    }),
  );
  for (const pods of podsByUser) assert.equal(pods.length, 1);
  assert.equal(new Set(podsByUser.flat()).size, 2);
});

test("accessLogFile /dev/stdout writes Istio's default line", { skip }, async () => {
  await mesh.save(
    "mesh-config.yaml",
    `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: meltemi-system}
data: {mesh: "accessLogFile: /dev/stdout"}
`,
  );
  const userAgent = `agent-${Math.random()}`;
  const lines = await eventually(async () => {
    await client.request({ url: "http://echo/logged?a=1", headers: { "user-agent": userAgent } });
    const found = (await mesh.logs("client", "istio-proxy")).filter(({ text }) => text.includes(userAgent));
    assert(found.length > 0, "nothing is logged");
    return found;
  });
  assert.match(
    lines[0]?.text ?? "",
    new RegExp(
      String.raw`^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] "GET /logged\?a=1 HTTP/1\.1" 200 - via_upstream - "-" 0 \d+ \d+ \d+ ` +
        String.raw`"-" "${userAgent}" "[0-9a-f-]{36}" "echo" "10\.244\.\d+\.\d+:8080" ` +
        String.raw`outbound\|80\|\|echo\.test\.svc\.cluster\.local 10\.244\.\d+\.\d+:\d+ 10\.96\.\d+\.\d+:80 ` +
        String.raw`10\.244\.\d+\.\d+:\d+ - default$`,
    ),
  );
});

test("Envoy's log isn't filled with warnings of deprecated fields", { skip }, async () => {
  const warnings = (await mesh.logs("client", "istio-proxy")).filter(({ text }) => /deprecat/i.test(text));
  assert.deepEqual(warnings, []);
});
