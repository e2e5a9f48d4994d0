// Node: the machine that a pod runs on; its labels say which locality that is.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { anything, flag, list, message, text, timestamp } from "./schema.ts";

const taint = message(
  { value: text(), timeAdded: timestamp() },
  { required: { key: text(), effect: text() } },
);

export const nodeKind = defineKind({
  kind: "Node",
  group: "",
  versions: { served: ["v1"], storage: "v1" },
  plural: "nodes",
  shortNames: ["no"],
  scope: "Cluster",
  roles: ["modeled", "followed"],
  fields: {
    spec: message({
      configSource: anything(),
      externalID: text(),
      podCIDR: text(),
      podCIDRs: list(text()),
      providerID: text(),
      taints: list(taint),
      unschedulable: flag(),
    }),
    status: anything(),
  },
});

export type Node = ObjectOf<typeof nodeKind>;
