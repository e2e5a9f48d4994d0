// By who calls, and from where to where.

import { EVERYBODY, from, type HandPicked, when, whoMay } from "./hand-picked.ts";

export const bySource: readonly HandPicked[] = [
  whoMay([from({ principals: ["corp/ns/shop/sa/web"] })], "web old"),
  whoMay([from({ principals: ["old/ns/shop/sa/web"] })], "web old"),
  whoMay([from({ principals: ["cluster.local/ns/shop/sa/web"] })], "web old"),
  whoMay([from({ principals: ["foreign/ns/shop/sa/web"] })], "foreign"),
  whoMay([from({ principals: ["corp/ns/shop*"] })], "web dev"),
  whoMay([from({ principals: ["*/ns/shop/sa/web"] })], "web old foreign"),
  whoMay([from({ principals: ["*/sa/root.api"] })], "root"),
  whoMay([from({ principals: ["*/sa/rootxapi"] })], ""),
  whoMay([from({ principals: ["*"] })], "web dev root old foreign other"),
  whoMay([from({ notPrincipals: ["*"] })], "none"),
  whoMay([from({ notPrincipals: ["corp/ns/shop/sa/web"] })], "dev root foreign other none"),
  whoMay([from({ principals: ["corp/ns/shop/sa/we"] })], ""),
  whoMay([from({ namespaces: ["shop"] })], "web old foreign"),
  whoMay([from({ namespaces: ["shop*"] })], "web dev old foreign"),
  whoMay([from({ namespaces: ["*dev", "admin"] })], "dev root"),
  whoMay([from({ namespaces: ["*"] })], "web dev root old foreign"),
  whoMay([from({ notNamespaces: ["shop"] })], "dev root other none"),
  whoMay([from({ serviceAccounts: ["web"] })], "web old foreign"),
  whoMay([from({ serviceAccounts: ["admin/root.api", "shop-dev/web"] })], "root dev"),
  whoMay([from({ serviceAccounts: ["admin/rootxapi"] })], ""),
  whoMay([from({ notServiceAccounts: ["shop/web"] })], "dev root other none"),
  whoMay([from({ trustDomains: ["corp"] })], "web dev root old"),
  whoMay([from({ trustDomains: ["for*"] })], "foreign"),
  whoMay([from({ notTrustDomains: ["foreign"] })], "web dev root old other none"),
  whoMay([from({ namespaces: ["shop"], notPrincipals: ["*/ns/shop/sa/web"] })], ""),
  whoMay(
    [{ from: [{ source: { namespaces: ["admin"] } }, { source: { trustDomains: ["foreign"] } }] }],
    "root foreign",
  ),
  whoMay([when("source.principal", ["corp/ns/shop/sa/web"], ["old/ns/admin/sa/x"])], "web old"),
  whoMay([when("source.namespace", ["shop*"], ["shop"])], "dev"),
  whoMay([when("source.serviceAccount", ["web"])], "web old foreign"),
  whoMay([when("source.trustDomain", ["corp", "for*"], ["foreign"])], "web dev root old"),
  whoMay([{}], EVERYBODY),
  whoMay([], ""),
];

export const byAddress: readonly HandPicked[] = [
  {
    name: "addresses of the peer and of whom it speaks for",
    policies: [
      {
        rules: [
          from({
            ipBlocks: ["127.2.0.1"],
            remoteIpBlocks: ["203.0.113.0/24"],
            notRemoteIpBlocks: ["203.0.113.9"],
          }),
        ],
      },
    ],
    allowed: [{}, { remoteAddress: "203.0.113.255" }],
    denied: [
      { sourceAddress: "127.2.0.2" },
      { remoteAddress: "203.0.113.9" },
      { remoteAddress: "203.0.112.7" },
    ],
  },
  {
    name: "addresses in conditions",
    policies: [
      { rules: [when("source.ip", ["127.2.0.0/30"], ["127.2.0.2"]), when("remote.ip", ["2001:db8::/32"])] },
    ],
    allowed: [
      {},
      { sourceAddress: "127.2.0.3" },
      { sourceAddress: "127.2.0.9", remoteAddress: "2001:db8::1" },
    ],
    denied: [
      { sourceAddress: "127.2.0.2" },
      { sourceAddress: "127.2.0.9" },
      { sourceAddress: "127.2.0.9", remoteAddress: "2001:db9::1" },
    ],
  },
  {
    name: "the destination's address",
    policies: ({ addresses }) => [{ rules: [when("destination.ip", ["127.0.0.0/8"], [addresses[1]])] }],
    allowed: [{}, { at: "second port" }],
    denied: [{ at: "second address" }],
  },
  {
    name: "the destination's port, of an operation and of a condition",
    policies: ({ httpPorts: [first, second], tcpPort }) => [
      { rules: [{ to: [{ operation: { ports: [`${first}`] } }] }] },
      {
        action: "DENY",
        rules: [
          {
            ...when("destination.port", [`${second}`, `${tcpPort}`]),
            to: [{ operation: { methods: ["POST"] } }],
          },
        ],
      },
      {
        action: "DENY",
        rules: [{ to: [{ operation: { notPorts: [`${first}`, `${second}`, `${tcpPort}`] } }] }],
      },
    ],
    allowed: [{}, { at: "second address" }, { method: "POST" }],
    denied: [{ at: "second port" }, { at: "second port", method: "POST" }, { transport: "tcp" }],
  },
  {
    name: "the server's name",
    policies: [{ rules: [when("connection.sni", ["a.example", "*.b.example", "c.*"], ["x.b.example"])] }],
    allowed: [{ serverName: "a.example" }, { serverName: "y.b.example" }, { serverName: "c.d" }],
    denied: [{}, { serverName: "b.example" }, { serverName: "x.b.example" }, { serverName: "aa.example" }],
  },
  {
    name: "any server's name",
    policies: [{ rules: [when("connection.sni", ["*"])] }],
    allowed: [{ serverName: "a" }],
    denied: [{}],
  },
];
