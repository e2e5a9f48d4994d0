import assert from "node:assert/strict";
import { test } from "node:test";
import { createProtobufListReader } from "./protobuf-list.ts";
import { INLINE, type WireMessage } from "./wire-forms.ts";

const form: WireMessage = {
  name: [1, "text"],
  zone: [2, "kept text"],
  port: [3, "kept number"],
  nodePort: [4, "number"],
  isHost: [5, "flag"],
  isReady: [6, "kept flag"],
  made: [7, "time"],
  target: [8, "number or text"],
  labels: [9, "texts by name"],
  inner: [10, { name: [1, "text"] }],
  list: [11, [{ name: [1, "text"] }]],
  words: [12, ["kept text"]],
  [INLINE]: [13, { path: [1, "text"] }],
};
const read = createProtobufListReader(form);

const varintBytes = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...varintBytes(Math.floor(value / 0x80))];
const number = (field: number, value: number) => [...varintBytes(field * 8), ...varintBytes(value)];
const bytes = (field: number, content: readonly number[]) => [
  ...varintBytes(field * 8 + 2),
  ...varintBytes(content.length),
  ...content,
];
const text = (field: number, value: string) => bytes(field, [...Buffer.from(value)]);

/** As the API server answers: magic, envelope, list. */
function listOf(...items: readonly (readonly number[])[]): Buffer {
  const metadata = bytes(1, [...text(2, "1234"), ...text(3, "next")]);
  const list = [...metadata, ...items.flatMap((item) => bytes(2, item))];
  const envelope = [
    ...bytes(1, [...text(1, "v1"), ...text(2, "PodList")]),
    ...bytes(2, list),
    ...text(4, ""),
  ];
  return Buffer.from([...Buffer.from("k8s\0"), ...envelope]);
}

test("createProtobufListReader() reads what JSON would say, and where the list goes on", () => {
  const item = [
    ...text(1, "wéb"),
    ...text(2, "zone-1"),
    ...number(3, 8080),
    ...number(4, 30_000),
    ...number(5, 1),
    ...number(6, 1),
    ...bytes(7, [...number(1, 1_767_225_600), ...number(2, 0)]),
    ...bytes(8, [...number(1, 1), ...number(2, 0), ...text(3, "http")]),
    ...bytes(9, [...text(1, "app"), ...text(2, "web")]),
    ...bytes(9, [...text(1, "empty"), ...text(2, "")]),
    ...bytes(10, text(1, "inner")),
    ...bytes(11, text(1, "one")),
    ...bytes(11, text(1, "two")),
    ...text(12, "a"),
    ...text(12, "b"),
    ...bytes(13, text(1, "/healthz")),
  ];
  assert.deepEqual(read(listOf(item)), {
    metadata: { resourceVersion: "1234", continue: "next" },
    items: [
      {
        name: "wéb",
        zone: "zone-1",
        port: 8080,
        nodePort: 30_000,
        isHost: true,
        isReady: true,
        made: "2026-01-01T00:00:00Z",
        target: "http",
        labels: { app: "web", empty: "" },
        inner: { name: "inner" },
        list: [{ name: "one" }, { name: "two" }],
        words: ["a", "b"],
        path: "/healthz",
      },
    ],
  });
});

test("createProtobufListReader() leaves out what JSON does, and keeps what it keeps", () => {
  const empty = [
    ...text(1, ""),
    ...text(2, ""),
    ...number(3, 0),
    ...number(4, 0),
    ...number(5, 0),
    ...number(6, 0),
    ...bytes(7, []),
    ...bytes(8, [...number(1, 0), ...number(2, 0), ...text(3, "")]),
    ...bytes(10, []),
  ];
  const kept = { zone: "", port: 0, isReady: false, target: 0, inner: {} };
  assert.deepEqual(read(listOf(empty, [])).items, [kept, {}]);
});

test("createProtobufListReader() steps over fields that nobody reads, whatever their type", () => {
  const unknown = [
    ...number(100, 2 ** 40),
    ...varintBytes(101 * 8 + 1),
    ...[1, 2, 3, 4, 5, 6, 7, 8],
    ...varintBytes(102 * 8 + 5),
    ...[1, 2, 3, 4],
    ...bytes(103, [255, 255, 255]),
  ];
  assert.deepEqual(read(listOf([...unknown, ...text(1, "web")])).items, [{ name: "web" }]);
});

test("createProtobufListReader() throws for what is no list, or no whole one", () => {
  assert.throws(() => read(Buffer.from("<html>")), /No protobuf of Kubernetes/);
  const whole = listOf(text(1, "web"));
  // The last field of the envelope takes two bytes, and the list before it all others.
  for (let length = 20; length < whole.length - 2; length += 1)
    assert.throws(() => read(whole.subarray(0, length)), /cut off|longer than/, `${length} bytes`);
  assert.throws(() => read(listOf(number(1, 5))), /Wire type 0 where 2 belongs/);
});
