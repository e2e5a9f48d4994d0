// The annotation by which a change of an AuthorizationPolicy closes the connections that were let in before it.

import type { ObjectMeta } from "../object-meta.ts";
import { isTrueText } from "./dry-run.ts";

export const CLOSE_CONNECTIONS = "meltemi.dev/close-connections-on-change";

export function closesConnections({ annotations = {} }: Pick<ObjectMeta, "annotations">): boolean {
  return isTrueText(annotations[CLOSE_CONNECTIONS] ?? "");
}
