// What becomes of a fault of ours in one row: the mesh goes on as it was, and whoever asks is told of the object that met it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { objectsOf } from "../../tests/support/mesh-fixture.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { objectKey } from "../core/object-key.ts";
import { problemLedger } from "../front/problem-ledger.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { keyOf } from "../model/sources.ts";
import { createControlPlane } from "./create-control-plane.ts";
import { planeProblems, watchPlaneProblems } from "./plane-problems.ts";

const service = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { clusterIP: 10.96.0.1, selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
`;

const slice = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-1, namespace: shop, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
ports: [{ name: http, port: 9080 }]
endpoints: [{ addresses: [10.244.0.1] }]
`;

const SLICE = objectKey({ kind: "EndpointSlice", namespace: "shop", name: "reviews-1" });

/** A control plane whose problems go to a ledger, as on one machine. */
function startPlane() {
  const clock = new ManualClock();
  const errors: object[] = [];
  const log = { ...silentLogger, error: (fields: object) => void errors.push(fields) };
  const plane = createControlPlane({ clock, log });
  const told: string[] = [];
  const ledger = problemLedger({
    onAppear: ({ code, object }) => told.push(`+${code} ${object}`),
    onGone: ({ code, object }) => told.push(`-${code} ${object}`),
  });
  watchPlaneProblems(plane, () => ledger.update("supervisor", planeProblems(plane)));
  const apply = (...objects: readonly KubernetesObject[]) => {
    plane.intake.change(
      objects.map((object) => ({ object, key: keyOf(object) })),
      [],
    );
    clock.advance(1_000);
  };
  return { plane, apply, told, errors };
}

test("planeProblems() names the object that a row failed over, until the row works again", () => {
  const { plane, apply, told, errors } = startPlane();
  apply(...objectsOf(service), ...objectsOf(slice));
  assert.deepEqual(planeProblems(plane), []);
  // The edges let no such slice through: it takes the place of a fault that nobody knows yet.
  const [broken] = objectsOf(slice).map((object) => ({ ...object, endpoints: undefined }));
  assert.ok(broken);
  apply(broken);
  const [found, ...others] = planeProblems(plane);
  assert.deepEqual(others, []);
  assert.equal(found?.code, "MLT4102");
  assert.equal(found.object, SLICE);
  assert.match(
    found.message,
    /^Cannot compute "shop\/reviews\.shop\.svc\.cluster\.local" of "endpoints".*TypeError/,
  );
  assert.deepEqual(told, [`+MLT4102 ${SLICE}`]);
  assert.equal(errors.length, 1);
  assert.equal(plane.model.endpoints.get("shop/reviews.shop.svc.cluster.local")?.length, 1);

  apply(...objectsOf(slice.replace("10.244.0.1", "10.244.0.2")));
  assert.deepEqual(planeProblems(plane), []);
  assert.deepEqual(told, [`+MLT4102 ${SLICE}`, `-MLT4102 ${SLICE}`]);
  const [endpoint] = plane.model.endpoints.get("shop/reviews.shop.svc.cluster.local") ?? [];
  assert.equal(endpoint?.address, "10.244.0.2");
});

test("planeProblems() names each of several objects that rows failed over", () => {
  const { plane, apply } = startPlane();
  const services = ["one", "two", "three"].flatMap((name) =>
    objectsOf(service.replace("reviews,", `${name},`)),
  );
  const slices = ["one", "two", "three"].flatMap((name) =>
    objectsOf(slice.replace("reviews }", `${name} }`).replace("reviews-1", name)),
  );
  apply(...services, ...slices);
  const broken = slices.map((object) => ({ ...object, endpoints: undefined }));
  apply(...broken);
  assert.equal(planeProblems(plane).length, 3);
  assert.equal(new Set(planeProblems(plane).map(({ object }) => object)).size, 3);
});
