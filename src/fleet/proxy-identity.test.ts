import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readClaim } from "./proxy-identity.ts";

const locality = { region: "", zone: "", subZone: "" };

function read(nodeId: string, metadata: Record<string, unknown> = {}, place = locality) {
  return readClaim({ nodeId, node: { metadata, locality: place } } as unknown as Parameters<
    typeof readClaim
  >[0]);
}

const sidecar = "sidecar~10.0.0.7~reviews-v1-abc.shop~shop.svc.cluster.local";

/** What a client says, where it can be served. */
function claimOf(metadata: Record<string, unknown>, nodeId = sidecar, place = locality) {
  const found = read(nodeId, metadata, place);
  assert.equal(found.kind, "claim", JSON.stringify(found));
  return found.kind === "claim" ? { ...found.claim, ...found.origin } : undefined;
}

describe("readClaim()", () => {
  test("reads kind, address, name and namespace from Istio's node id", () => {
    const { kind, address, addresses, name, namespace, domain } = claimOf({}) ?? {};
    assert.deepEqual(
      { kind, address, addresses, name, namespace, domain },
      {
        kind: "sidecar",
        address: "10.0.0.7",
        addresses: ["10.0.0.7"],
        name: "reviews-v1-abc",
        namespace: "shop",
        domain: "shop.svc.cluster.local",
      },
    );
  });

  test("parts name and namespace at the last dot, as a pod's name may have others", () => {
    const claim = claimOf({}, "router~10.0.0.8~edge.example.com.mesh~mesh.svc.cluster.local");
    assert.deepEqual([claim?.kind, claim?.name, claim?.namespace], ["router", "edge.example.com", "mesh"]);
  });

  test("takes the namespace of a name without one from the domain", () => {
    assert.equal(claimOf({}, "sidecar~10.0.0.7~reviews~shop.svc.cluster.local")?.namespace, "shop");
  });

  for (const nodeId of [
    "",
    "sidecar~10.0.0.7~reviews.shop",
    "ztunnel~10.0.0.7~reviews.shop~shop.svc.cluster.local",
    `${sidecar}~more`,
    `sidecar~10.0.0.7~${"a".repeat(1_024)}.shop~shop.svc.cluster.local`,
  ]) {
    test(`refuses the node id ${nodeId.slice(0, 60) || "that is empty"}, and says the form`, () => {
      const found = read(nodeId);
      assert.equal(found.kind, "invalid");
      assert.match("message" in found ? found.message : "", /must be "sidecar~IP~NAME\.NAMESPACE~DOMAIN"/);
    });
  }

  for (const metadata of [{ NAME: "other" }, { NAMESPACE: "bank" }]) {
    test(`refuses metadata that contradicts the node id: ${JSON.stringify(metadata)}`, () => {
      assert.equal(read(sidecar, metadata).kind, "contradictory");
    });
  }

  test("adds the other addresses of the pod, each once, the node id's first", () => {
    const { addresses } = claimOf({ INSTANCE_IPS: "fd00::7,10.0.0.7" }) ?? {};
    assert.deepEqual(addresses, ["10.0.0.7", "fd00::7"]);
  });

  test("keeps labels that are text, and no others", () => {
    assert.deepEqual(claimOf({ LABELS: { app: "reviews", replicas: 3 } })?.labels, { app: "reviews" });
    assert.deepEqual(claimOf({ LABELS: "app=reviews" })?.labels, {});
  });

  for (const [place, wanted] of [
    [{ region: "eu", zone: "eu-1", subZone: "" }, "eu/eu-1"],
    [{ region: "eu", zone: "eu-1", subZone: "a" }, "eu/eu-1/a"],
    [locality, ""],
  ] as const) {
    test(`writes the locality ${JSON.stringify(wanted)} without empty ends`, () => {
      assert.equal(claimOf({}, sidecar, place)?.locality, wanted);
    });
  }

  test("says DNS capture and a workload group only where they are said", () => {
    const said = claimOf({ DNS_CAPTURE: "true", AUTO_REGISTER_GROUP: "vms" });
    assert.deepEqual([said?.capturesDns, said?.workloadGroup], [true, "vms"]);
    const silent = claimOf({ DNS_CAPTURE: "false", AUTO_REGISTER_GROUP: "" }) ?? {};
    assert.deepEqual(["capturesDns" in silent, "workloadGroup" in silent], [false, false]);
  });

  test("takes cluster and version from the metadata, and Istio's default for the cluster", () => {
    const { clusterId, meshVersion } = claimOf({ CLUSTER_ID: "west", ISTIO_VERSION: "1.29.0" }) ?? {};
    assert.deepEqual([clusterId, meshVersion], ["west", "1.29.0"]);
    const { clusterId: byDefault, meshVersion: none } = claimOf({ CLUSTER_ID: 7 }) ?? {};
    assert.deepEqual([byDefault, none], ["Kubernetes", ""]);
  });
});
