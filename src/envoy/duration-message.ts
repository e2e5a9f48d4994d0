// Durations as Istio's YAML writes them, turned into protobuf's. Objects were validated at the edge.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DurationSchema } from "@bufbuild/protobuf/wkt";
import { parseDuration } from "../core/duration.ts";

export type DurationInit = MessageInitShape<typeof DurationSchema>;

/** `"1m30s"` → 90 seconds. Throws on text that validation would have refused. */
export function durationMessage(text: string): DurationInit {
  const duration = parseDuration(text);
  if (duration === undefined) throw new Error(`not a duration: "${text}"`);
  return { seconds: duration.seconds, nanos: duration.nanos };
}

export const ZERO_DURATION: DurationInit = { seconds: 0n, nanos: 0 };
