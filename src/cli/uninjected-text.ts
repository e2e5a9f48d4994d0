// Pods without the sidecar that they ask for, in words: of these nobody hears otherwise, as nothing failed.

import type { UninjectedPods } from "../admin/contract/control-plane.ts";
import { paint, type Terminal } from "./terminal.ts";

const MAX_NAMES = 5;

/** A line for each group; empty where there is none. */
export function uninjectedText(
  terminal: Pick<Terminal, "hasColour">,
  groups: readonly UninjectedPods[],
): string {
  return groups
    .map(({ namespace, pods, reason, revision }) => {
      const title = paint(terminal, "yellow", "without a sidecar");
      const place = `${title} in namespace ${namespace}: ${namesOf(pods)}`;
      return reason === "unknown revision"
        ? `${place}: nobody injects revision "${revision}", which they ask for (see meltemi tag list)\n`
        : `${place}: made before injection answered, and waiting for an image that never comes: delete them\n`;
    })
    .join("");
}

function namesOf(pods: readonly string[]): string {
  if (pods.length === 0) return "its next pods";
  const rest = pods.length - MAX_NAMES;
  return [...pods.slice(0, MAX_NAMES), ...(rest > 0 ? [`${rest} more`] : [])].join(", ");
}
