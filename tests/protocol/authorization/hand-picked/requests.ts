// By what is asked, and with which token.

import { ALICE, BOB, from, type HandPicked, type Operation, REALM, when } from "./hand-picked.ts";

const paths = (
  name: string,
  operation: Operation,
  { allowed, denied }: { allowed: readonly string[]; denied: readonly string[] },
): HandPicked => ({
  name,
  policies: [{ rules: [{ to: [{ operation }] }] }],
  allowed: allowed.map((path) => ({ path })),
  denied: denied.map((path) => ({ path })),
});

export const byOperation: readonly HandPicked[] = [
  paths(
    "an exact path, without its query",
    { paths: ["/a"] },
    { allowed: ["/a", "/a?b=c"], denied: ["/", "/a/", "/A", "/ab", "/b?/a"] },
  ),
  paths(
    "a path's prefix",
    { paths: ["/a/*"] },
    { allowed: ["/a/", "/a/b", "/a/b/c?d"], denied: ["/a", "/b/a/", "/"] },
  ),
  paths(
    "a path's suffix",
    { paths: ["*.txt"] },
    { allowed: ["/a.txt", "/b/.txt", "/c.txt?d"], denied: ["/a.txt/", "/txt", "/?a.txt"] },
  ),
  paths("any path", { paths: ["*"] }, { allowed: ["/", "/a"], denied: [] }),
  paths(
    "paths and none of others",
    { paths: ["/a/*"], notPaths: ["/a/b*", "*/c"] },
    { allowed: ["/a/", "/a/d"], denied: ["/a/b", "/a/bb", "/a/c"] },
  ),
  paths(
    "one segment of a path",
    { paths: ["/a/{*}/b"] },
    { allowed: ["/a/x/b", "/a/x.y-1/b"], denied: ["/a//b", "/a/x/y/b", "/a/b", "/a/x/b/", "/a/x/bc"] },
  ),
  paths(
    "all that is under a path",
    { paths: ["/a/{**}"] },
    { allowed: ["/a/", "/a/b", "/a/b/c"], denied: ["/a", "/ab", "/"] },
  ),
  paths(
    "a path in the middle",
    { paths: ["/{**}/b/c"] },
    { allowed: ["/x/b/c", "/x/y/b/c", "//b/c"], denied: ["/b/c", "/x/b/", "/x/b/c/d"] },
  ),
  paths(
    "no path by template",
    { notPaths: ["/a/{*}"] },
    { allowed: ["/a", "/a/b/c", "/"], denied: ["/a/b"] },
  ),
  {
    name: "methods",
    policies: [{ rules: [{ to: [{ operation: { methods: ["GET", "P*"], notMethods: ["PUT"] } }] }] }],
    allowed: [{}, { method: "POST" }, { method: "PATCH" }],
    denied: [{ method: "PUT" }, { method: "DELETE" }, { method: "HEAD" }],
  },
  {
    name: "hosts, of whatever case",
    policies: [
      {
        rules: [
          {
            to: [{ operation: { hosts: ["Shop.example", "*.b.example", "c.*"], notHosts: ["x.b.example"] } }],
          },
        ],
      },
    ],
    allowed: [{}, { host: "SHOP.EXAMPLE" }, { host: "y.B.example" }, { host: "c.d:8080" }],
    denied: [{ host: "shop.example:8080" }, { host: "X.b.example" }, { host: "b.example" }],
  },
  {
    name: "any host",
    policies: [{ rules: [{ to: [{ operation: { hosts: ["*"], methods: ["GET"] } }] }] }],
    allowed: [{}, { host: "x" }],
    denied: [{ method: "PUT" }],
  },
  {
    name: "headers",
    policies: [
      {
        rules: [
          when("request.headers[X-Key]", ["a", "b-*", "*-c"], ["b-x"]),
          when("request.headers[x-any]", ["*"]),
          { ...when("request.headers[x-none]", [], ["*"]), to: [{ operation: { paths: ["/none"] } }] },
        ],
      },
    ],
    allowed: [
      ...[{ headers: { "x-key": "a" } }, { headers: { "x-key": "b-1" } }, { headers: { "x-key": "1-c" } }],
      ...[{ headers: { "x-any": "1" } }, { headers: { "x-any": "" } }, { path: "/none" }],
    ],
    denied: [
      ...[
        {},
        { headers: { "x-key": "A" } },
        { headers: { "x-key": "b-x" } },
        { headers: { "x-key": "a,b" } },
      ],
      { path: "/none", headers: { "x-none": "1" } },
    ],
  },
  {
    name: "what a filter says",
    policies: [
      {
        rules: [
          {
            ...when("experimental.envoy.filters.test[zone]", ["eu-*"]),
            to: [{ operation: { paths: ["/zone"] } }],
          },
        ],
      },
      {
        rules: [
          {
            ...when("experimental.envoy.filters.test[tags]", ["[red]", "[gre*]"]),
            to: [{ operation: { paths: ["/tags"] } }],
          },
        ],
      },
      {
        rules: [
          {
            ...when("experimental.envoy.filters.test[tags]", ["green"]),
            to: [{ operation: { paths: ["/text"] } }],
          },
        ],
      },
      {
        rules: [
          {
            ...when("experimental.envoy.filters.test[nothing]", [], ["*"]),
            to: [{ operation: { paths: ["/nothing"] } }],
          },
        ],
      },
    ],
    allowed: [{ path: "/zone" }, { path: "/tags" }, { path: "/nothing" }],
    denied: [{ path: "/text" }, { path: "/" }],
  },
];

export const byToken: readonly HandPicked[] = [
  {
    name: "a token's issuer and subject",
    policies: [{ rules: [from({ requestPrincipals: [`${REALM}/alice`] })] }],
    allowed: [{ claims: ALICE }],
    denied: [{}, { claims: BOB }, { claims: { ...ALICE, sub: "bob" } }, { claims: { iss: REALM } }],
  },
  {
    name: "any subject of an issuer, and no token but that",
    policies: [
      { rules: [from({ requestPrincipals: [`${REALM}/*`] }), from({ requestPrincipals: ["*/bob"] })] },
    ],
    allowed: [{ claims: ALICE }, { claims: { iss: REALM, sub: "x" } }, { claims: BOB }],
    denied: [{}, { claims: { iss: "plain", sub: "alice" } }, { claims: { iss: REALM, sub: "" } }],
  },
  {
    name: "whoever has a token, and whoever has none",
    policies: [
      { rules: [{ ...from({ requestPrincipals: ["*"] }), to: [{ operation: { paths: ["/with"] } }] }] },
      { rules: [{ ...from({ notRequestPrincipals: ["*"] }), to: [{ operation: { paths: ["/without"] } }] }] },
    ],
    allowed: [{ path: "/with", claims: ALICE }, { path: "/without" }],
    denied: [{ path: "/with" }, { path: "/without", claims: BOB }],
  },
  {
    name: "a principal without a slash",
    policies: [{ rules: [from({ requestPrincipals: ["pla*", "*ice"] })] }],
    allowed: [{ claims: BOB }, { claims: ALICE }],
    denied: [{}, { claims: { iss: "https://other.example", sub: "bob" } }],
  },
  {
    name: "audiences and presenters",
    policies: [
      { rules: [when("request.auth.audiences", ["api", "sho*"], ["secret"])] },
      { action: "DENY", rules: [when("request.auth.presenter", ["app-*"], ["app-1"])] },
    ],
    allowed: [{ claims: ALICE }, { claims: BOB }, { claims: { ...BOB, azp: "app-1" } }],
    denied: [
      {},
      { claims: { ...BOB, azp: "app-2" } },
      { claims: { ...BOB, aud: ["shop", "secret"] } },
      { claims: { ...BOB, aud: "x" } },
    ],
  },
  {
    name: "claims that are lists",
    policies: [{ rules: [when("request.auth.claims[groups]", ["ops", "adm*"])] }],
    allowed: [{ claims: ALICE }, { claims: { ...BOB, groups: "admin" } }],
    denied: [
      {},
      { claims: BOB },
      { claims: { ...BOB, groups: ["dev"] } },
      { claims: { ...BOB, groups: [] } },
    ],
  },
  {
    name: "claims within claims",
    policies: [
      {
        rules: [
          when("request.auth.claims[org][unit][name]", ["it"]),
          when("request.auth.claims[org][tags]", ["*z"]),
        ],
      },
    ],
    allowed: [{ claims: BOB }, { claims: { ...ALICE, org: { tags: ["a", "xyz"] } } }],
    denied: [
      { claims: ALICE },
      { claims: { ...ALICE, org: "it" } },
      { claims: { ...ALICE, org: { unit: "it" } } },
    ],
  },
  {
    name: "claims that aren't text",
    policies: [{ rules: [when("request.auth.claims[level]", ["3", "*"])] }],
    allowed: [{ claims: { ...BOB, level: "3" } }],
    denied: [{ claims: BOB }, { claims: { ...BOB, level: true } }, { claims: ALICE }],
  },
];
