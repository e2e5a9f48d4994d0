// Attacks on HTTP/2 and on gRPC's framing: calls cut and reset anywhere, windows, floods, frames out of place.

import {
  ACK,
  connectionPreface,
  dataFrame,
  END_HEADERS,
  END_STREAM,
  encodeHeaders,
  frameTypes,
  goAwayFrame,
  grpcHeaders,
  grpcMessage,
  headersFrame,
  type RawHeaders,
  rawFrame,
  rstStreamFrame,
  settingsFrame,
  windowUpdateFrame,
} from "../../tests/support/raw-http2.ts";
import type { Attack, AttackStep } from "./attack.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface AttackedCall {
  readonly headers: RawHeaders;
  /** A message that the method takes. */
  readonly message: Uint8Array;
}

type Generator = (random: SeededRandom, call: AttackedCall) => readonly AttackStep[];

const send = (...frames: readonly Uint8Array[]): AttackStep => ({
  kind: "send",
  bytes: Buffer.concat(frames),
});
const wait = (delayMs: number): AttackStep => ({ kind: "wait", delayMs });
const opening = Buffer.concat([connectionPreface, settingsFrame()]);
const goodbye = (random: SeededRandom): readonly AttackStep[] =>
  random.pick<readonly AttackStep[]>([[{ kind: "end" }, wait(2)], [{ kind: "reset" }], [wait(5)], []]);

function wholeCall({ headers, message }: AttackedCall): readonly Buffer[] {
  return [
    headersFrame(1, headers),
    dataFrame(1, grpcMessage(message)),
    dataFrame(1, Buffer.alloc(0), END_STREAM),
  ];
}

/** Codes that HTTP/2 knows, and one that it doesn't. */
const anyCode = (random: SeededRandom) => (random.oneIn(4) ? 0 : random.below(16));

const generators: Readonly<Record<string, Generator>> = {
  "a call cut": (random, call) => {
    const bytes = Buffer.concat([opening, ...wholeCall(call)]);
    return [
      send(bytes.subarray(0, random.below(bytes.length + 1))),
      wait(random.below(4)),
      ...goodbye(random),
    ];
  },
  "a message cut and the stream reset": (random, call) => {
    const framed = grpcMessage(call.message);
    const part = framed.subarray(0, random.below(framed.length + 1));
    return [
      send(opening, headersFrame(1, call.headers), dataFrame(1, part)),
      ...(random.oneIn(2) ? [wait(random.below(4))] : []),
      send(rstStreamFrame(1, anyCode(random))),
      wait(random.below(4)),
    ];
  },
  "a call reset": (random, call) => {
    const frames = wholeCall(call);
    const before = frames.slice(0, random.below(frames.length + 1));
    return [
      send(opening, ...before),
      ...(random.oneIn(2) ? [wait(random.below(5))] : []),
      send(rstStreamFrame(1, anyCode(random)), ...(random.oneIn(3) ? frames.slice(before.length) : [])),
      wait(random.below(4)),
    ];
  },
  GOAWAY: (random, call) => {
    const frames = wholeCall(call);
    const place = random.below(frames.length + 1);
    return [
      send(opening, ...frames.slice(0, place), goAwayFrame(random.below(3), anyCode(random))),
      ...(random.oneIn(2) ? [wait(1)] : []),
      send(...frames.slice(place)),
      wait(random.below(4)),
      ...goodbye(random),
    ];
  },
  "small and wrong windows": (random, call) => {
    const settings: [number, number][] = [[4, random.pick([0, 1, 17, 0x7fffffff, 0x80000000])]];
    if (random.oneIn(2)) settings.push([5, random.pick([0, 16_384, 16_777_215, 16_777_216])]);
    if (random.oneIn(2)) settings.push([1, random.pick([0, 1, 4_096, 0xffffffff])]);
    if (random.oneIn(2)) settings.push([random.below(20), random.below(2 ** 32)]);
    return [
      send(connectionPreface, settingsFrame(settings), ...wholeCall(call)),
      { kind: random.oneIn(2) ? "stop-reading" : "wait", delayMs: 1 },
      send(windowUpdateFrame(random.below(2), random.pick([0, 1, 0x7fffffff, 0xffffffff]))),
      send(windowUpdateFrame(1, 0x7fffffff), settingsFrame([[4, random.pick([0, 1, 65_535, 0x7fffffff])]])),
      wait(random.below(30)),
      ...goodbye(random),
    ];
  },
  "a reader that stops": (random, call) => [
    send(
      opening,
      ...wholeCall(call).slice(0, 2),
      windowUpdateFrame(0, 0x70000000),
      windowUpdateFrame(1, 0x70000000),
    ),
    { kind: "stop-reading" },
    wait(20 + random.below(60)),
    ...goodbye(random),
  ],
  "lies about a message's length": (random, call) => {
    const declaredBytes = random.pick([0xffffffff, 0x7fffffff, 16 * 1024 * 1024, 16 * 1024 * 1024 + 1, 0, 1]);
    const flags = random.oneIn(2) ? 0 : random.below(256);
    return [
      send(opening, headersFrame(1, call.headers)),
      send(
        dataFrame(1, grpcMessage(call.message, { declaredBytes, flags }), random.oneIn(2) ? END_STREAM : 0),
      ),
      wait(random.below(4)),
      ...goodbye(random),
    ];
  },
  "a message byte by byte": (random, call) => {
    const bytes = grpcMessage(call.message);
    const frames = Array.from(bytes, (_, index) => dataFrame(1, bytes.subarray(index, index + 1)));
    return [
      send(opening, headersFrame(1, call.headers), ...frames),
      wait(random.below(4)),
      ...goodbye(random),
    ];
  },
  "many messages": (random, call) => {
    const one = grpcMessage(random.oneIn(2) ? call.message : Buffer.alloc(0));
    const count = Math.min(1 + random.below(400), Math.floor(60_000 / one.length));
    const all = Buffer.concat(Array.from({ length: count }, () => one));
    const frames = [];
    for (let offset = 0; offset < all.length; offset += 16_384)
      frames.push(dataFrame(1, all.subarray(offset, offset + 16_384)));
    return [
      send(opening, headersFrame(1, call.headers), ...frames),
      wait(random.below(10)),
      ...goodbye(random),
    ];
  },
  "a flood of frames": (random, call) => {
    const flood = random.pick<Buffer>([
      rawFrame(frameTypes.ping, Buffer.alloc(8)),
      rawFrame(frameTypes.ping, Buffer.alloc(8), { flags: ACK }),
      settingsFrame([[4, 100]]),
      rawFrame(frameTypes.settings, Buffer.alloc(0), { flags: ACK }),
      windowUpdateFrame(1, 1),
      dataFrame(1, Buffer.alloc(0)),
      rawFrame(frameTypes.priority, Buffer.of(0, 0, 0, 3, 1), { streamId: 5 }),
      rawFrame(0x77, Buffer.alloc(3)),
    ]);
    const many = Buffer.concat(Array.from({ length: 2_000 }, () => flood));
    return [
      send(opening, headersFrame(1, call.headers)),
      ...(random.oneIn(2) ? [{ kind: "stop-reading" } as const] : []),
      send(many),
      send(many),
      wait(5),
    ];
  },
  "CONTINUATION without end": (random, { headers }) => {
    const piece = rawFrame(
      frameTypes.continuation,
      encodeHeaders([[`x-${random.below(100)}`, "v".repeat(random.below(200))]]),
      { streamId: 1 },
    );
    const many = Array.from({ length: 1_000 }, () => piece);
    const end = rawFrame(frameTypes.continuation, Buffer.alloc(0), { streamId: 1, flags: END_HEADERS });
    return [
      send(opening, headersFrame(1, headers, 0), ...many),
      ...(random.oneIn(2) ? [send(end)] : []),
      wait(5),
    ];
  },
  "large headers": (random, { headers }) => {
    const more: RawHeaders = random.oneIn(2)
      ? Array.from({ length: 400 }, (_, index) => [`x-${index}`, "v"] as const)
      : [["x-large", "v".repeat(15_000)]];
    const strange: RawHeaders = [["grpc-timeout", random.pick(["0n", "99999999H", "1x", "", "-1S"])]];
    const path: RawHeaders = random.oneIn(4) ? grpcHeaders(`/${"p".repeat(10_000)}`) : headers;
    return [send(opening, headersFrame(1, [...path, ...more, ...strange])), wait(4), ...goodbye(random)];
  },
  "many streams, some reset": (random, call) => {
    const count = 200 + random.below(1_000);
    const frames = Array.from({ length: count }, (_, index) => {
      const streamId = 2 * index + 1;
      const reset = random.oneIn(2) ? [rstStreamFrame(streamId, anyCode(random))] : [];
      return Buffer.concat([headersFrame(streamId, call.headers), ...reset]);
    });
    return [send(opening, ...frames), wait(10), ...goodbye(random)];
  },
  "frames out of place": (random, call) => {
    const misplaced = random.pick<Buffer>([
      headersFrame(1, call.headers),
      headersFrame(1, [["x-trailer", "1"]], END_HEADERS + END_STREAM),
      headersFrame(2, call.headers),
      headersFrame(0, call.headers),
      dataFrame(0, call.message),
      dataFrame(7, call.message),
      dataFrame(1, call.message, END_STREAM),
      rawFrame(frameTypes.pushPromise, encodeHeaders(call.headers), { streamId: 1, flags: END_HEADERS }),
      rawFrame(frameTypes.continuation, encodeHeaders(call.headers), { streamId: 1, flags: END_HEADERS }),
      rawFrame(frameTypes.rstStream, Buffer.alloc(3), { streamId: 1 }),
      rawFrame(frameTypes.settings, Buffer.alloc(5)),
      rawFrame(frameTypes.data, Buffer.of(255, 1), { streamId: 1, flags: 0x8 }),
      rawFrame(frameTypes.headers, random.bytes(40), { streamId: 3, flags: END_HEADERS }),
      rstStreamFrame(9, 0),
    ]);
    const frames = [...wholeCall(call)];
    frames.splice(random.below(frames.length + 1), 0, misplaced);
    return [send(opening, ...frames), wait(random.below(4)), ...goodbye(random)];
  },
  "requests that are no calls": (random) => {
    const headers: RawHeaders = [
      [":method", random.pick(["GET", "POST", "CONNECT", "OPTIONS", ""])],
      ...(random.oneIn(3) ? [] : ([[":scheme", "http"]] as const)),
      ...(random.oneIn(3) ? [] : ([[":path", random.pick(["/", "*", "", "//", "/%00"])]] as const)),
      ...(random.oneIn(2)
        ? ([["content-type", random.pick(["application/grpc", "text/html"])]] as const)
        : []),
    ];
    return [
      send(opening, headersFrame(1, headers, random.oneIn(2) ? END_HEADERS + END_STREAM : END_HEADERS)),
      ...(random.oneIn(2) ? [send(rstStreamFrame(1, anyCode(random)))] : []),
      wait(random.below(4)),
    ];
  },
  "bytes that are no HTTP/2": (random) => [
    ...(random.oneIn(2) ? [send(opening)] : []),
    send(
      random.oneIn(3)
        ? Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        : random.bytes(1 + random.below(300)),
    ),
    wait(random.below(4)),
    ...goodbye(random),
  ],
  "a call with bytes changed": (random, call) => {
    const bytes = Buffer.concat([opening, ...wholeCall(call)]);
    for (let count = 1 + random.below(6); count > 0; count -= 1)
      bytes[random.below(bytes.length)] = random.below(256);
    return [send(bytes), wait(random.below(4)), ...goodbye(random)];
  },
};

export const wireAttackNames: readonly string[] = Object.keys(generators);

export function createWireAttack(index: number, random: SeededRandom, call: AttackedCall): Attack {
  const name = wireAttackNames[index % wireAttackNames.length] ?? "";
  return { name, steps: generators[name]?.(random, call) ?? [] };
}

/** Every prefix of a call, and RST_STREAM with each code after each part of one. */
export function sweepOf(call: AttackedCall): readonly Attack[] {
  const bytes = Buffer.concat([opening, ...wholeCall(call)]);
  const cuts = Array.from({ length: bytes.length + 1 }, (_, length): Attack => {
    return { name: "each prefix", steps: [send(bytes.subarray(0, length)), { kind: "end" }] };
  });
  const framed = grpcMessage(call.message);
  const parts = [0, 1, 4, 5, 6, framed.length].map((length) => dataFrame(1, framed.subarray(0, length)));
  const begun = [[], ...parts.map((part) => [part]), wholeCall(call).slice(1)];
  const resets = begun.flatMap((frames) =>
    Array.from({ length: HIGHEST_CODE + 2 }, (_, code): Attack => {
      const sent = send(opening, headersFrame(1, call.headers), ...frames);
      return { name: "each reset", steps: [sent, wait(code % 3), send(rstStreamFrame(1, code)), wait(1)] };
    }),
  );
  return [...resets, ...cuts];
}

// HTTP_1_1_REQUIRED (RFC 9113, 7).
const HIGHEST_CODE = 0xd;
