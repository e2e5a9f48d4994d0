import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commitObjects, meshFixture, readNow } from "../../tests/support/mesh-fixture.ts";
import type { TrafficPolicy } from "../kinds/destination-rule/traffic-policy.ts";
import { parseObject } from "../kinds/parse-object.ts";
import { clientIn } from "./client.ts";
import { effectiveRule, policyForPort } from "./destination-rules.ts";
import { declareProblems } from "./problems/problems.ts";
import type { Visibility } from "./visibility.ts";

const SERVICE = { hostname: "web.shop.svc.cluster.local", namespace: "shop" };
const DAY_1 = "2026-01-01T00:00:00Z";
const DAY_2 = "2026-01-02T00:00:00Z";

describe("effectiveRule()", () => {
  const all = [
    rule("client", "home", `{ host: ${SERVICE.hostname} }`),
    rule("server", "shop", "{ host: web }"),
    rule("root", "istio-system", "{ host: '*.local' }"),
  ];

  test("prefers the client's namespace, then the service's, then the root namespace", () => {
    assert.deepEqual(rulesFor({ namespace: "home" }, all), ["DestinationRule/home/client"]);
    assert.deepEqual(rulesFor({ namespace: "else" }, all), ["DestinationRule/shop/server"]);
    assert.deepEqual(rulesFor({ namespace: "else" }, all.slice(2)), ["DestinationRule/istio-system/root"]);
    assert.deepEqual(rulesFor({ namespace: "else" }, []), undefined);
  });

  test("gives clients of the root namespace its public rules last", () => {
    assert.deepEqual(rulesFor({ namespace: "istio-system" }, all), ["DestinationRule/shop/server"]);
    const own = rule("own", "istio-system", "{ host: '*.local', exportTo: ['.'] }");
    assert.deepEqual(rulesFor({ namespace: "istio-system" }, [...all, own]), [
      "DestinationRule/istio-system/own",
    ]);
  });

  test("prefers the most specific host of a namespace", () => {
    const wide = rule("wide", "shop", "{ host: '*.shop.svc.cluster.local' }", DAY_1);
    const narrow = rule("narrow", "shop", "{ host: web }", DAY_2);
    assert.deepEqual(rulesFor({ namespace: "shop" }, [wide, narrow]), ["DestinationRule/shop/narrow"]);
  });

  test("knows wildcards for a part of a label", () => {
    const odd = rule("odd", "shop", "{ host: '*eb.shop.svc.cluster.local' }");
    const wide = rule("wide", "shop", "{ host: '*.shop.svc.cluster.local' }");
    const other = rule("other", "shop", "{ host: '*-web.shop.svc.cluster.local' }");
    assert.deepEqual(rulesFor({ namespace: "shop" }, [wide, odd, other]), ["DestinationRule/shop/odd"]);
  });

  test("passes over a rule that isn't exported to the client", () => {
    const hidden = rule("hidden", "shop", "{ host: web, exportTo: ['.'] }");
    assert.deepEqual(rulesFor({ namespace: "else" }, [hidden]), undefined);
    assert.deepEqual(rulesFor({ namespace: "shop" }, [hidden]), ["DestinationRule/shop/hidden"]);
  });

  test("puts a rule for chosen clients before those for all, for these clients only", () => {
    const chosen = rule(
      "chosen",
      "shop",
      "{ host: web, workloadSelector: { matchLabels: { app: a } } }",
      DAY_2,
    );
    const general = rule("general", "shop", "{ host: web }", DAY_1);
    assert.deepEqual(rulesFor({ namespace: "shop", labels: { app: "a" } }, [chosen, general]), [
      "DestinationRule/shop/chosen",
      "DestinationRule/shop/general",
    ]);
    assert.deepEqual(rulesFor({ namespace: "shop", labels: { app: "b" } }, [chosen, general]), [
      "DestinationRule/shop/general",
    ]);
  });

  test("merges rules for one host: the oldest's policy, and each subset of the first that has it", () => {
    const mesh = meshFixture();
    const old = "{ host: web, subsets: [{ name: v1, labels: { from: old } }] }";
    const young =
      "{ host: web, trafficPolicy: { loadBalancer: { simple: RANDOM } }, subsets: [{ name: v1 }, { name: v2 }] }";
    mesh.put([rule("young", "shop", young, DAY_2), rule("old", "shop", old, DAY_1)].join("\n---\n"));
    const merged = effectiveRule(readNow, mesh.model.hostRules, clientIn("shop"), SERVICE);
    assert.deepEqual(merged, {
      trafficPolicy: { loadBalancer: { simple: "RANDOM" } },
      subsets: [{ name: "v1", labels: { from: "old" } }, { name: "v2" }],
      selectsClients: false,
      objects: ["DestinationRule/shop/old", "DestinationRule/shop/young"],
    });
  });
});

describe("effectiveRule() asks who the client is", () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["a public rule of the service's namespace", rule("r", "shop", "{ host: web }"), []],
    ["a public rule of the root namespace", rule("r", "istio-system", "{ host: '*' }"), []],
    ["a private rule", rule("r", "shop", "{ host: web, exportTo: ['.'] }"), ["shop"]],
    ["a rule of another namespace", rule("r", "home", `{ host: ${SERVICE.hostname} }`), ["home"]],
    [
      "a rule for chosen clients",
      rule("r", "shop", "{ host: web, workloadSelector: { matchLabels: { a: b } } }"),
      ["shop"],
    ],
    [
      "a rule of the root namespace for another one",
      rule("r", "istio-system", "{ host: '*', exportTo: [home] }"),
      ["home"],
    ],
    ["a rule for another host", rule("r", "home", "{ host: other }"), []],
  ];
  for (const [name, yaml, wanted] of cases) {
    test(`${wanted.length === 0 ? "not" : "only"} where it matters for ${name}`, () => {
      const mesh = meshFixture();
      mesh.put(yaml);
      const asked: string[] = [];
      const isIn = (namespace: string) => {
        asked.push(namespace);
        return false;
      };
      const sees = (visibility: Visibility) =>
        visibility === "public" || visibility.namespaces.some((each) => isIn(each));
      const client = { ...clientIn(""), isIn, sees, matches: () => false };
      effectiveRule(readNow, mesh.model.hostRules, client, SERVICE);
      assert.deepEqual(asked, wanted);
    });
  }
});

describe("policyForPort()", () => {
  const general: TrafficPolicy = {
    loadBalancer: { simple: "RANDOM" },
    tls: { mode: "SIMPLE" },
    proxyProtocol: { version: "V1" },
    portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: "ROUND_ROBIN" } }],
  };

  test("takes the rule's settings for a port without its own", () => {
    const { portLevelSettings: _ports, ...rest } = general;
    assert.deepEqual(policyForPort(general, undefined, 81), rest);
  });

  test("takes a port's settings in place of all that a port can set", () => {
    assert.deepEqual(policyForPort(general, undefined, 80), {
      loadBalancer: { simple: "ROUND_ROBIN" },
      proxyProtocol: { version: "V1" },
    });
  });

  test("lets a subset replace only what it sets", () => {
    assert.deepEqual(policyForPort(general, { tls: { mode: "DISABLE" } }, 80), {
      loadBalancer: { simple: "ROUND_ROBIN" },
      tls: { mode: "DISABLE" },
      proxyProtocol: { version: "V1" },
    });
  });

  test("is empty without a rule", () => assert.deepEqual(policyForPort(undefined, undefined, 80), {}));
});

interface ClientFacts {
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
}

function rulesFor({ namespace, labels }: ClientFacts, rules: readonly string[]) {
  const mesh = meshFixture();
  mesh.put(rules.join("\n---\n"));
  return effectiveRule(readNow, mesh.model.hostRules, clientIn(namespace, labels), SERVICE)?.objects;
}

function rule(name: string, namespace: string, spec: string, createdAt = DAY_1): string {
  return `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: ${namespace}, creationTimestamp: "${createdAt}" }
spec: ${spec}
`;
}

test("subsets by the thousand cost in proportion to their number, and so do routes to them", () => {
  const names = Array.from({ length: 3_000 }, (_, index) => `v${index}`);
  const subsets = names.map((name) => ({ name, labels: { version: name } }));
  const route = [...names, "unknown-1", "unknown-2"].map((subset) => ({
    destination: { host: "web", subset },
    weight: 1,
  }));
  const networking = { apiVersion: "networking.istio.io/v1", metadata: { name: "web", namespace: "shop" } };
  const web = { spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80 }] } };
  const objects = [
    { ...networking, apiVersion: "v1", kind: "Service", ...web },
    { ...networking, kind: "DestinationRule", spec: { host: "web", subsets } },
    { ...networking, kind: "VirtualService", spec: { hosts: ["web"], http: [{ route }] } },
  ];
  const { graph, sources, model } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  const start = process.cpuUsage();
  commitObjects(
    graph,
    sources,
    objects.flatMap((object) => parseObject(object).object ?? []),
  );
  const { user, system } = process.cpuUsage(start);
  const found = [...problems.entries()].flatMap(([, list]) => list);
  assert.deepEqual(
    found.filter(({ code }) => code === "MLT2002").map(({ path }) => path),
    ["spec.http[0].route[3000].destination.subset", "spec.http[0].route[3001].destination.subset"],
  );
  const longest = Math.max(...found.map(({ message }) => message.length));
  assert.ok(longest < 1_000, `a message of ${longest}`);
  const cpuMs = (user + system) / 1_000;
  assert.ok(cpuMs < 2_500, `${Math.round(cpuMs)} ms of the processor`);
});
