// What one route becomes of its inputs, feature by feature.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { RouteSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { CorsPolicySchema } from "../../gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { HTTPFaultSchema } from "../../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import type { HttpRoute } from "../../kinds/virtual-service/http-route.ts";
import type { HttpMatchRequest } from "../../kinds/virtual-service/matching.ts";
import type { ResolvedDestination, RouteInputs } from "../../view/route-inputs.ts";
import { messageIn } from "../encode.ts";
import { CORS_FILTER } from "./cors-policy.ts";
import { FAULT_FILTER } from "./fault.ts";
import { buildRoute } from "./route.ts";

const WEB: ResolvedDestination = { cluster: "web", weight: 1, isSniffed: false };

test("buildRoute() keeps the mesh's certificate of the client from who is outside", () => {
  const away = { ...WEB, hidesClient: true };
  assert.deepEqual(route({ destinations: [away] }).requestHeadersToRemove, ["x-forwarded-client-cert"]);
  const { weightedClusters } = route({ destinations: [WEB, away] }).route as {
    readonly weightedClusters: { readonly clusters: readonly Readonly<Record<string, JsonValue>>[] };
  } & JsonObject;
  assert.deepEqual(
    weightedClusters.clusters.map(({ requestHeadersToRemove }) => requestHeadersToRemove),
    [undefined, ["x-forwarded-client-cert"]],
  );
});

describe("buildRoute() matches", () => {
  const cases: readonly (readonly [string, HttpMatchRequest, JsonValue])[] = [
    ["every path where none is named", {}, { prefix: "/" }],
    [
      "an exact path, whatever its case",
      { uri: { exact: "/a" }, ignoreUriCase: true },
      { path: "/a", caseSensitive: false },
    ],
    ["a path by regular expression", { uri: { regex: "/a.*" } }, { safeRegex: { regex: "/a.*" } }],
    [
      "a header's presence",
      { headers: { x: {} } },
      { prefix: "/", headers: [{ name: "x", presentMatch: true }] },
    ],
    [
      "headers in order of their names",
      { headers: { b: { exact: "2" }, a: { prefix: "1" } } },
      {
        prefix: "/",
        headers: [
          { name: "a", stringMatch: { prefix: "1" } },
          { name: "b", stringMatch: { exact: "2" } },
        ],
      },
    ],
    [
      "a header that must be absent or differ",
      { withoutHeaders: { x: { exact: "1" } } },
      {
        prefix: "/",
        headers: [
          { name: "x", stringMatch: { exact: "1" }, invertMatch: true, treatMissingHeaderAsEmpty: true },
        ],
      },
    ],
    [
      "a token's claims, alone or in a list",
      { headers: { "@request.auth.claims[org][team]": { exact: "blue" }, x: {} } },
      {
        prefix: "/",
        headers: [{ name: "x", presentMatch: true }],
        dynamicMetadata: [
          {
            filter: "envoy.filters.http.jwt_authn",
            path: [{ key: "payload" }, { key: "org" }, { key: "team" }],
            value: {
              orMatch: {
                valueMatchers: [
                  { listMatch: { oneOf: { stringMatch: { exact: "blue" } } } },
                  { stringMatch: { exact: "blue" } },
                ],
              },
            },
          },
        ],
      },
    ],
    [
      "a claim that must be absent",
      { withoutHeaders: { "@request.auth.claims.admin": {} } },
      {
        prefix: "/",
        dynamicMetadata: [
          {
            filter: "envoy.filters.http.jwt_authn",
            path: [{ key: "payload" }, { key: "admin" }],
            value: { presentMatch: true },
            invert: true,
          },
        ],
      },
    ],
    [
      "method, authority and scheme by pseudo-headers",
      { method: { exact: "GET" }, authority: { exact: "a" }, scheme: { exact: "http" } },
      {
        prefix: "/",
        headers: [
          { name: ":method", stringMatch: { exact: "GET" } },
          { name: ":authority", stringMatch: { exact: "a" } },
          { name: ":scheme", stringMatch: { exact: "http" } },
        ],
      },
    ],
    [
      "query parameters",
      { queryParams: { q: { exact: "1" }, p: {} } },
      {
        prefix: "/",
        queryParameters: [
          { name: "p", presentMatch: true },
          { name: "q", stringMatch: { exact: "1" } },
        ],
      },
    ],
  ];
  for (const [name, match, wanted] of cases) {
    test(name, () => assert.deepEqual(route({ match }).match, wanted));
  }
});

describe("buildRoute() acts", () => {
  const cases: readonly (readonly [string, HttpRoute, Readonly<Record<string, JsonValue>>])[] = [
    ["with no limit of time unless one is set", {}, { timeout: "0s", maxGrpcTimeout: "0s" }],
    ["with the rule's timeout", { timeout: "3s" }, { timeout: "3s", maxGrpcTimeout: "3s" }],
    ["by replacing a prefix", { rewrite: { uri: "/b" } }, { prefixRewrite: "/b" }],
    ["by rewriting the authority", { rewrite: { authority: "b.com" } }, { hostRewriteLiteral: "b.com" }],
    [
      "by rewriting with a regular expression",
      { rewrite: { uriRegexRewrite: { match: "/a/(.*)", rewrite: "/\\1" } } },
      { regexRewrite: { pattern: { regex: "/a/(.*)" }, substitution: "/\\1" } },
    ],
    [
      "by rewriting the authority that a header operation sets",
      { headers: { request: { set: { Host: "b.com" } } } },
      { hostRewriteLiteral: "b.com" },
    ],
  ];
  for (const [name, rule, wanted] of cases) {
    test(name, () => {
      const action = route({ rule }).route as Readonly<Record<string, JsonValue>>;
      for (const [field, value] of Object.entries(wanted)) assert.deepEqual(action[field], value, field);
    });
  }

  test("by forwarding to its one destination", () => {
    assert.equal((route({}).route as { cluster: JsonValue }).cluster, "web");
  });

  test("by turning a rewritten prefix into a slash, once", () => {
    const action = route({ match: { uri: { prefix: "/api" } }, rule: { rewrite: { uri: "/" } } }).route;
    const { regexRewrite } = action as { regexRewrite: { pattern: { regex: string }; substitution: string } };
    const rewrite = (path: string) =>
      path.replace(new RegExp(regexRewrite.pattern.regex), regexRewrite.substitution.replace("\\2", "$2"));
    assert.deepEqual(["/api", "/api/", "/api/books"].map(rewrite), ["/", "/", "/books"]);
  });

  test("by going to clusters by weight, each with its headers", () => {
    const destinations = [
      { ...WEB, weight: 90, headers: { request: { set: { x: "1" } } } },
      { ...WEB, cluster: "web2", weight: 10 },
    ];
    assert.deepEqual((route({ destinations }).route as { weightedClusters: JsonValue }).weightedClusters, {
      clusters: [
        {
          name: "web",
          weight: 90,
          requestHeadersToAdd: [
            { header: { key: "x", value: "1" }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" },
          ],
        },
        { name: "web2", weight: 10 },
      ],
    });
  });

  test("by telling a sniffed cluster's connections their protocol", () => {
    const built = buildRoute(inputs({ destinations: [{ ...WEB, isSniffed: true }] }));
    assert.deepEqual(Object.keys(built.typedPerFilterConfig ?? {}), ["meltemi.sniffed_alpn"]);
  });

  test("by picking endpoints with the destination's hash", () => {
    const hash = (consistentHash: NonNullable<ResolvedDestination["consistentHash"]>) =>
      (route({ destinations: [{ ...WEB, consistentHash }] }).route as { hashPolicy?: JsonValue }).hashPolicy;
    assert.deepEqual(hash({ httpHeaderName: "x" }), [{ header: { headerName: "x" } }]);
    assert.deepEqual(hash({ httpCookie: { name: "c", ttl: "60s" } }), [
      { cookie: { name: "c", ttl: "60s" } },
    ]);
    assert.deepEqual(hash({ useSourceIp: true }), [{ connectionProperties: { sourceIp: true } }]);
    assert.deepEqual(hash({ httpQueryParameterName: "q" }), [{ queryParameter: { name: "q" } }]);
  });

  test("by mirroring a share of the requests", () => {
    const built = route({ mirrors: [{ cluster: "shadow", percentage: { value: 12.5 } }] }).route;
    assert.deepEqual((built as { requestMirrorPolicies: JsonValue }).requestMirrorPolicies, [
      { cluster: "shadow", runtimeFraction: { defaultValue: { numerator: 125000, denominator: "MILLION" } } },
    ]);
  });
});

describe("buildRoute() retries", () => {
  const cases: readonly (readonly [string, Partial<RouteInputs>, string, number, readonly number[]])[] = [
    ["as Istio does by default", {}, "connect-failure,refused-stream,unavailable,cancelled", 2, []],
    ["as the mesh says", { defaultRetries: { attempts: 5, retryOn: "reset" } }, "reset", 5, []],
    [
      "as the rule says",
      { rule: { retries: { attempts: 3, retryOn: "5xx" } }, defaultRetries: { attempts: 0 } },
      "5xx",
      3,
      [],
    ],
    [
      "on status codes too",
      { rule: { retries: { attempts: 1, retryOn: "5xx, 409" } } },
      "5xx,retriable-status-codes",
      1,
      [409],
    ],
  ];
  for (const [name, part, retryOn, numRetries, codes] of cases) {
    test(name, () => {
      const { retryPolicy } = route(part).route as { retryPolicy: Readonly<Record<string, JsonValue>> };
      assert.deepEqual(
        [retryPolicy.retryOn, retryPolicy.numRetries, retryPolicy.retriableStatusCodes ?? []],
        [retryOn, numRetries, codes],
      );
    });
  }

  test("not at all with 0 attempts", () => {
    const built = route({ rule: { retries: { attempts: 0 } } }).route as Readonly<Record<string, JsonValue>>;
    assert.equal(built.retryPolicy, undefined);
  });
});

describe("buildRoute() answers by itself", () => {
  test("503 where a rule leads nowhere", () => {
    assert.deepEqual(route({ rule: {}, destinations: [] }).directResponse, { status: 503 });
  });

  test("with a redirect", () => {
    const redirect = { uri: "/b", authority: "b.com", redirectCode: 308, scheme: "https", port: 8443 };
    assert.deepEqual(route({ rule: { redirect }, destinations: [] }).redirect, {
      hostRedirect: "b.com",
      portRedirect: 8443,
      schemeRedirect: "https",
      pathRedirect: "/b",
      responseCode: "PERMANENT_REDIRECT",
    });
  });

  test("with a redirect to the port that the request came to", () => {
    const redirect = { scheme: "https", derivePort: "FROM_REQUEST_PORT" } as const;
    assert.deepEqual(route({ rule: { redirect }, requestPort: 8080, destinations: [] }).redirect, {
      portRedirect: 8080,
      schemeRedirect: "https",
    });
  });

  test("with a direct response", () => {
    const directResponse = { status: 418, body: { string: "teapot" } };
    assert.deepEqual(route({ rule: { directResponse }, destinations: [] }).directResponse, {
      status: 418,
      body: { inlineString: "teapot" },
    });
  });

  test("with a fault, for a share of the requests", () => {
    const rule: HttpRoute = {
      fault: {
        delay: { fixedDelay: "1s", percentage: { value: 10 } },
        abort: { grpcStatus: "UNAVAILABLE", percentage: { value: 100 } },
      },
    };
    const config = buildRoute(inputs({ rule })).typedPerFilterConfig?.[FAULT_FILTER];
    assert.deepEqual(toJson(HTTPFaultSchema, create(HTTPFaultSchema, messageIn(HTTPFaultSchema, config))), {
      delay: { fixedDelay: "1s", percentage: { numerator: 100000, denominator: "MILLION" } },
      abort: { grpcStatus: 14, percentage: { numerator: 1000000, denominator: "MILLION" } },
    });
  });

  test("with a fault for nobody, where it doesn't say for whom", () => {
    const fault = { delay: { fixedDelay: "1s" }, abort: { httpStatus: 503 } };
    const config = buildRoute(inputs({ rule: { fault } })).typedPerFilterConfig?.[FAULT_FILTER];
    const percentage = { denominator: "MILLION" };
    assert.deepEqual(toJson(HTTPFaultSchema, create(HTTPFaultSchema, messageIn(HTTPFaultSchema, config))), {
      delay: { fixedDelay: "1s", percentage },
      abort: { httpStatus: 503, percentage },
    });
  });

  test("to preflight requests of other origins", () => {
    const corsPolicy = {
      allowOrigins: [{ exact: "https://a.com" }],
      allowMethods: ["GET", "PUT"],
      maxAge: "24h",
    };
    const config = buildRoute(inputs({ rule: { corsPolicy } })).typedPerFilterConfig?.[CORS_FILTER];
    assert.deepEqual(
      toJson(CorsPolicySchema, create(CorsPolicySchema, messageIn(CorsPolicySchema, config))),
      {
        allowOriginStringMatch: [{ exact: "https://a.com" }],
        allowMethods: "GET,PUT",
        maxAge: "86400",
        forwardNotMatchingPreflights: true,
      },
    );
  });
});

test("buildRoute() changes no header that Envoy keeps for itself", () => {
  const headers = { request: { remove: ["host", ":path", "x"], set: { ":path": "/" }, add: { y: "1" } } };
  const built = route({ rule: { headers } });
  assert.deepEqual(built.requestHeadersToRemove, ["x"]);
  assert.equal((built.requestHeadersToAdd as readonly unknown[]).length, 1);
});

test("buildRoute() says which rule made it", () => {
  const provenance = [
    { object: "VirtualService/shop/web", path: "spec.http[0]" },
  ] as unknown as RouteInputs["provenance"];
  assert.deepEqual(route({ rule: {}, provenance }).metadata, {
    filterMetadata: {
      istio: { config: "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/web" },
      meltemi: { from: "VirtualService/shop/web spec.http[0]" },
    },
  });
});

function inputs(part: Partial<RouteInputs>): RouteInputs {
  return { name: "", destinations: [WEB], mirrors: [], operation: "", provenance: [], ...part };
}

/** Without extensions, which need a registry to print; the goldens show them. */
function route(part: Partial<RouteInputs>): Readonly<Record<string, JsonValue>> {
  const built = create(RouteSchema, buildRoute(inputs(part)));
  built.typedPerFilterConfig = {};
  if (built.action.case === "route" && built.action.value.retryPolicy !== undefined) {
    built.action.value.retryPolicy.retryHostPredicate = [];
    delete built.action.value.retryPolicy.retryPriority;
  }
  return toJson(RouteSchema, built) as Readonly<Record<string, JsonValue>>;
}
