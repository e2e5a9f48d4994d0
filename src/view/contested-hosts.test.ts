import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../graph/graph.ts";
import { declareContestedHosts } from "./contested-hosts.ts";
import type { HostNames } from "./virtual-host-names.ts";

interface Named {
  readonly far: readonly string[];
  readonly near: readonly string[];
  readonly namespaceSuffix?: string;
  readonly alias?: string;
  readonly routeName?: string;
}

function hostNames({ far, near, namespaceSuffix = "a.example", alias, routeName = "80" }: Named): HostNames {
  return {
    routeName,
    createdAt: "",
    namespaceSuffix,
    aliasSuffixes: alias === undefined ? [] : [alias.slice(alias.indexOf(".") + 1)],
    host: {
      routeName,
      hostname: far[0] ?? "",
      addresses: [],
      aliases: alias === undefined ? [] : [alias],
      service: { namespace: "a", registry: "Kubernetes" },
      isHeadless: false,
    },
    domains: { "far ipv4": far, "near ipv4": near },
  };
}

/** By row key, in the layer of the mesh. */
function contested(hosts: Readonly<Record<string, HostNames>>): readonly string[] {
  const graph = new Graph();
  const source = graph.source<HostNames>("names");
  const table = declareContestedHosts(graph, source);
  graph.commit((transaction) => {
    for (const [row, names] of Object.entries(hosts)) transaction.set(source, row, names);
  });
  return [...table.entries()].map(([key]) => key).sort();
}

const web = hostNames({ far: ["web.a.example"], near: ["web.a.example", "web"] });

test("declareContestedHosts() leaves out who shares no name, or shares it with itself in another layer", () => {
  const api = hostNames({ far: ["api.a.example"], near: ["api.a.example", "api"] });
  assert.deepEqual(contested({ "|80 web": web, "|80 api": api, "b|80 web": web }), []);
});

test("declareContestedHosts() has both who are called alike by all clients, whatever the case", () => {
  const other = hostNames({ far: ["WEB.a.example"], near: ["WEB.a.example"], namespaceSuffix: "b.example" });
  assert.deepEqual(contested({ "|80 web": web, "b|80 other": other }), ["b|80 other", "|80 web"].sort());
});

test("declareContestedHosts() has who shares a short name with one that all clients call so", () => {
  const entry = hostNames({ far: ["web"], near: ["web"], namespaceSuffix: "web" });
  assert.deepEqual(contested({ "|80 web": web, "|80 entry": entry }), ["|80 entry", "|80 web"]);
});

test("declareContestedHosts() parts short names by domain, those of aliases too", () => {
  const elsewhere = hostNames({
    far: ["web.b.example"],
    near: ["web.b.example", "web"],
    namespaceSuffix: "b.example",
  });
  assert.deepEqual(contested({ "|80 web": web, "|80 elsewhere": elsewhere }), []);
  const aliased = hostNames({
    far: ["db.c.svc.cluster.local"],
    near: ["db.c.svc.cluster.local", "db"],
    namespaceSuffix: "c.svc.cluster.local",
    alias: "web.d.svc.cluster.local",
  });
  const near = hostNames({
    far: ["web.d.svc.cluster.local.other"],
    near: ["web.d.svc.cluster.local.other", "web"],
    namespaceSuffix: "d.svc.cluster.local",
  });
  assert.deepEqual(contested({ "|80 aliased": aliased, "|80 near": near }), ["|80 aliased", "|80 near"]);
});

test("declareContestedHosts() parts ports, and leaves out the tables of single services", () => {
  const other = { far: ["web.a.example"], near: ["web.a.example"] };
  const ofPort = hostNames({ ...other, routeName: "8080" });
  const ofService = hostNames({ ...other, routeName: "web.a.example:80" });
  assert.deepEqual(
    contested({ "|80 web": web, "|8080 web2": ofPort, "|web.a.example:80 web3": ofService }),
    [],
  );
});

test("declareContestedHosts() has who has no name, or one twice", () => {
  const nameless = hostNames({ far: [], near: ["x"] });
  const twice = hostNames({ far: ["y", "Y"], near: ["y"] });
  assert.deepEqual(contested({ "|80 nameless": nameless, "|80 twice": twice, "|80 web": web }), [
    "|80 nameless",
    "|80 twice",
  ]);
});
