import assert from "node:assert/strict";
import { test } from "node:test";
import { describeWorkload } from "../core/workload-description.ts";
import { emptyName, organizationName } from "./certificate-writer.ts";
import { derElement, derObjectIdentifier, derSequence, derSet, derUtf8String } from "./der-writer.ts";
import { objectIdentifier } from "./object-identifier.ts";
import { encodePodSubject, readPodSubject } from "./pod-subject.ts";

const pod = { name: "reviews-1", uid: "0f0f3a52-9d2a-4c8e-8f5e-1d2c3b4a5968" };
const { unstructuredName, userId } = objectIdentifier;
const attribute = (type: string, text: string) => derSequence(derObjectIdentifier(type), derUtf8String(text));
const [uidOf, nameOf] = [
  (text: string) => attribute(userId, text),
  (text: string) => attribute(unstructuredName, text),
];

test("readPodSubject() reads what encodePodSubject() wrote, among other attributes too", () => {
  assert.deepEqual(readPodSubject(encodePodSubject(pod)), pod);
  const more = attribute("2.5.4.13", "reviews:shop");
  const subject = derSequence(derSet(more), derSet(nameOf(pod.name), uidOf(pod.uid)));
  assert.deepEqual(readPodSubject(subject), pod);
});

test("encodePodSubject() describes the workload, as Envoy prints it", () => {
  const description = describeWorkload({
    workloadName: "reviews-v1",
    namespace: "shop",
    labels: { app: "reviews", version: "v1", "service.istio.io/canonical-name": "opinions" },
  });
  const subject = encodePodSubject(pod, description);
  assert.match(Buffer.from(subject).toString("latin1"), /reviews-v1:shop:opinions:v1:Kubernetes:reviews:v1/);
  assert.deepEqual(readPodSubject(subject), pod);
  const tooLong = { ...description, workload: "a".repeat(1_000) };
  assert.deepEqual(encodePodSubject(pod, tooLong), encodePodSubject(pod));
});

test("readPodSubject() finds no pod where one isn't named once and well", () => {
  const subjects = {
    empty: emptyName,
    "a CA's": organizationName("cluster.local"),
    "without UID": derSequence(derSet(nameOf(pod.name))),
    "two names": derSequence(derSet(nameOf("a")), derSet(nameOf("b")), derSet(uidOf(pod.uid))),
    "no pod's name": derSequence(derSet(nameOf("Reviews_1")), derSet(uidOf(pod.uid))),
    "a name with more behind it": derSequence(derSet(nameOf("a\u0000b")), derSet(uidOf(pod.uid))),
    "a long UID": derSequence(derSet(nameOf("a")), derSet(uidOf("0".repeat(65)))),
    nonsense: derElement(0x02, Uint8Array.of(1)),
    "a number for an attribute": derSequence(derSet(derElement(0x02, Uint8Array.of(1)))),
  };
  for (const [what, subject] of Object.entries(subjects))
    assert.equal(readPodSubject(subject), undefined, what);
});
