// By connections that aren't HTTP, of which policies may ask what only requests have.

import type { Call } from "../call.ts";
import type { CallPart } from "../policy-set.ts";
import { ALICE, DEV, FOREIGN, from, type HandPicked, ROOT, WEB, when, whoMay } from "./hand-picked.ts";

const tcp = (identity: Call["identity"], part: CallPart = {}): CallPart => ({
  ...part,
  identity,
  transport: "tcp",
});

export const overTcp: readonly HandPicked[] = [
  {
    ...whoMay([from({ principals: ["corp/ns/shop/sa/web"] })], "web old", { transport: "tcp" }),
    name: "principals of connections",
  },
  {
    ...whoMay([from({ notNamespaces: ["shop"] })], "dev root other none", { transport: "tcp" }),
    name: "namespaces of connections",
  },
  {
    name: "ALLOW with parts of requests",
    policies: [
      {
        rules: [
          { ...from({ namespaces: ["shop"] }), to: [{ operation: { methods: ["GET"] } }] },
          from({ namespaces: ["admin"] }),
        ],
      },
    ],
    allowed: [{}, { identity: ROOT }, tcp(ROOT)],
    denied: [{ method: "PUT" }, { identity: DEV }, tcp(WEB), tcp(DEV)],
  },
  {
    name: "DENY with parts of requests",
    policies: [
      {
        action: "DENY",
        rules: [{ ...from({ namespaces: ["shop"] }), to: [{ operation: { paths: ["/admin"] } }] }],
      },
    ],
    allowed: [{}, { identity: ROOT, path: "/admin" }, tcp(ROOT)],
    denied: [{ path: "/admin" }, tcp(WEB), tcp(FOREIGN)],
  },
  {
    name: "DENY by nothing but parts of requests",
    policies: [{ action: "DENY", rules: [from({ requestPrincipals: ["a/b"] })] }],
    allowed: [{}, { identity: ROOT }],
    denied: [tcp(WEB), tcp("none")],
  },
  {
    name: "ALLOW with one alternative of requests alone",
    policies: [
      { rules: [{ from: [{ source: { namespaces: ["shop"] } }, { source: { requestPrincipals: ["*"] } }] }] },
    ],
    allowed: [{}, { identity: DEV, claims: ALICE }],
    denied: [{ identity: DEV }, tcp(WEB)],
  },
  {
    name: "addresses and server names of connections",
    policies: [
      { rules: [{ ...when("connection.sni", ["a.*"]), ...from({ remoteIpBlocks: ["127.2.0.0/31"] }) }] },
    ],
    allowed: [tcp(WEB, { serverName: "a.b" }), tcp("none", { serverName: "a.b" })],
    denied: [tcp(WEB), tcp(WEB, { serverName: "a.b", sourceAddress: "127.2.0.2" })],
  },
];
