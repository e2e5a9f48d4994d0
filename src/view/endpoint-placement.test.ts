import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LocalityLoadBalancerSetting } from "../kinds/destination-rule/load-balancer.ts";
import { labelsWithPlace } from "../model/locality.ts";
import { resolveMeshSettings } from "../model/mesh-settings.ts";
import type { MeshService } from "../model/service.ts";
import type { EndpointInputs, EndpointPlacement } from "./cluster-inputs.ts";
import { factsForPlacement, isPlaceDependent, placeEndpoints, placementOf } from "./endpoint-placement.ts";

const PLAIN = { isNodeLocal: false, preference: "none" } as MeshService;
const outlierDetection = { consecutive5xxErrors: 1 };

/** `[locality, node, labels]` of an endpoint. */
type Spot = readonly [locality: string, node?: string, labels?: Readonly<Record<string, string>>];

const SPOTS: readonly Spot[] = [["r1/z1/s1"], ["r1/z1/s2"], ["r1/z2/s1"], ["r2/z1"], ["r3/z1"]];

function placement(
  setting: LocalityLoadBalancerSetting,
  service: MeshService = PLAIN,
): EndpointPlacement | undefined {
  const policy = { loadBalancer: { localityLbSetting: setting }, outlierDetection };
  return placementOf(service, policy, resolveMeshSettings({}));
}

function inputs(spots: readonly Spot[], wanted: EndpointPlacement | undefined): EndpointInputs {
  const endpoints = spots.map(([locality, nodeName = "", labels = {}], at) => ({
    address: `10.0.0.${at}`,
    port: 80,
    weight: 1,
    locality,
    isMutualTls: false,
    isHealthy: true,
    isDraining: false,
    description: "",
    ...(wanted === undefined ? {} : factsForPlacement({ labels, locality, nodeName }, wanted)),
  }));
  return {
    clusterName: "c",
    endpoints,
    provenance: [],
    ...(wanted === undefined ? {} : { placement: wanted }),
  };
}

/** Localities or nodes by priority, for a client at a spot. */
function placed(
  wanted: EndpointPlacement | undefined,
  [locality, nodeName = "", labels = {}]: Spot,
  spots = SPOTS,
) {
  const place = { locality, nodeName, labels: labelsWithPlace(labels, { locality, nodeName }) };
  const { endpoints, localityWeights } = placeEndpoints(inputs(spots, wanted), place);
  const priorities = endpoints.map(({ address, priority = 0 }) => {
    const [name = "", node = name] = spots[Number(address.split(".")[3])] ?? [];
    return [node, priority] as const;
  });
  return { priorities: Object.fromEntries(priorities), localityWeights };
}

describe("placementOf()", () => {
  test("fails over by locality where a rule ejects endpoints, and only there", () => {
    const settings = resolveMeshSettings({});
    assert.deepEqual(placementOf(PLAIN, { outlierDetection }, settings)?.failover, {
      regions: [],
      labels: [],
    });
    assert.equal(placementOf(PLAIN, {}, settings), undefined);
  });

  test("does nothing where the rule, or for want of one the mesh, turns it off", () => {
    assert.equal(placement({ enabled: false }), undefined);
    const off = resolveMeshSettings({ localityLbSetting: { enabled: false } });
    assert.equal(placementOf(PLAIN, { outlierDetection }, off), undefined);
  });

  test("takes the mesh's rules where the DestinationRule has none", () => {
    const distribute = [{ from: "r1", to: { r1: 100 } }];
    const settings = resolveMeshSettings({ localityLbSetting: { distribute } });
    assert.deepEqual(placementOf(PLAIN, {}, settings)?.distribute, distribute);
    const own = { loadBalancer: { localityLbSetting: { enabled: false } } };
    assert.equal(placementOf(PLAIN, own, settings), undefined);
  });
});

describe("placeEndpoints()", () => {
  const FAILOVER = { failover: [{ from: "r1", to: "r3" }] };
  const orders: Readonly<Record<string, readonly [LocalityLoadBalancerSetting, Spot, readonly number[]]>> = {
    "tries subzone, zone, region, then all others": [{}, ["r1/z1/s1"], [0, 1, 2, 3, 3]],
    "leaves no gap in priorities": [{}, ["r2/z2"], [1, 1, 1, 0, 1]],
    "sends to a region's own failover before others": [FAILOVER, ["r1/z1/s1"], [0, 1, 2, 4, 3]],
    "treats regions without a failover of their own alike": [FAILOVER, ["r2/z1"], [1, 1, 1, 0, 1]],
    "gives all alike to who is nowhere": [{}, [""], [0, 0, 0, 0, 0]],
  };
  for (const [name, [setting, client, wanted]] of Object.entries(orders)) {
    test(name, () => {
      const { priorities } = placed(placement(setting), client);
      assert.deepEqual(Object.values(priorities), wanted);
    });
  }

  const LABELLED: readonly Spot[] = [
    ["r1/z1", "a", { version: "v1", tier: "gold" }],
    ["r1/z1", "b", { version: "v1" }],
    ["r1/z1", "c", { tier: "gold" }],
    ["r1/z2", "d", { version: "v2", tier: "gold" }],
  ];

  test("orders by the labels that an endpoint shares with the client", () => {
    const wanted = placement({ failoverPriority: ["version", "tier"] });
    const { priorities } = placed(wanted, ["r1/z1", "x", { version: "v1", tier: "gold" }], LABELLED);
    assert.deepEqual(priorities, { a: 0, b: 1, c: 2, d: 2 });
  });

  test("orders by a value that the rule names itself", () => {
    const wanted = placement({ failoverPriority: ["version=v2", "topology.kubernetes.io/zone"] });
    const { priorities } = placed(wanted, ["r1/z1", "x", { version: "v1" }], LABELLED);
    assert.deepEqual(priorities, { a: 1, b: 1, c: 1, d: 0 });
  });

  test("orders by labels first, then by regions, where a rule has both", () => {
    const wanted = placement({ ...FAILOVER, failoverPriority: ["version"] });
    const spots: readonly Spot[] = [
      ["r3", "far", { version: "v1" }],
      ["r2", "farther", { version: "v1" }],
      ["r1", "near"],
    ];
    const { priorities } = placed(wanted, ["r1", "x", { version: "v1" }], spots);
    assert.deepEqual(priorities, { far: 0, farther: 1, near: 2 });
  });

  test("distributes by weight: a wildcard's is shared, and who isn't named gets nothing", () => {
    const wanted = placement({ distribute: [{ from: "r1/*", to: { "r1/z1/*": 80, r2: 20 } }] });
    const { priorities, localityWeights } = placed(wanted, ["r1/z9"]);
    assert.deepEqual(localityWeights, { "r1/z1/s1": 40, "r1/z1/s2": 40, "r2/z1": 20 });
    assert.deepEqual(Object.keys(priorities), ["r1/z1/s1", "r1/z1/s2", "r2/z1"]);
    assert.equal(placed(wanted, ["r2/z1"]).localityWeights, undefined, "no rule is for this client");
  });

  test("prefers the near, by zone or node, without any rule", () => {
    const spots: readonly Spot[] = [
      ["r1/z1", "a"],
      ["r1/z1", "b"],
      ["r1/z2", "c"],
    ];
    const preferring = (preference: MeshService["preference"]) =>
      placementOf({ ...PLAIN, preference }, {}, resolveMeshSettings({}));
    const at: Spot = ["r1/z1", "a"];
    assert.deepEqual(placed(preferring("same-zone"), at, spots).priorities, { a: 0, b: 0, c: 1 });
    assert.deepEqual(placed(preferring("same-node"), at, spots).priorities, { a: 0, b: 1, c: 2 });
  });

  test("keeps to the client's node for internalTrafficPolicy Local", () => {
    const local = placementOf({ ...PLAIN, isNodeLocal: true }, {}, resolveMeshSettings({}));
    const { priorities } = placed(
      local,
      ["r1", "b"],
      [
        ["r1", "a"],
        ["r1", "b"],
        ["", "c"],
      ],
    );
    assert.deepEqual(priorities, { b: 0 });
  });
});

test("isPlaceDependent() is false where all endpoints stand alike", () => {
  const wanted = placement({});
  assert.equal(isPlaceDependent(inputs([["r1/z1"], ["r1/z1"]], wanted)), false);
  assert.equal(isPlaceDependent(inputs(SPOTS, wanted)), true);
  assert.equal(isPlaceDependent(inputs(SPOTS, undefined)), false);
});
