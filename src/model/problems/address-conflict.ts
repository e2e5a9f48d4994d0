// A ServiceEntry that claims an address which another service has: clients that call it meet the other one.

import { objectKeyText } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import { isHttp, isTls } from "../../core/protocol.ts";
import type { ServiceEntry } from "../../kinds/service-entry/service-entry.ts";
import { addressOwner } from "../address-claims.ts";
import type { MeshService, MeshServicePort } from "../service.ts";
import { keyOf } from "../sources.ts";
import { haveCommonViewer } from "../visibility.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkAddressConflicts(object: ServiceEntry, context: CheckContext): Iterable<Problem> {
  const { read, model } = context;
  const own = read
    .find(model.servicesByNamespace, object.metadata.namespace)
    .map(([, service]) => service)
    .find((service) => service.object === keyOf(object));
  if (own === undefined) return;
  for (const [at, address] of (object.spec.addresses ?? []).entries()) {
    for (const port of own.ports) {
      const owner = ownerOnPort(own, port, { address, context });
      if (owner === undefined) continue;
      const reason = owner.registry === "Kubernetes" ? "which the cluster gave it to" : "which is older";
      yield problemAt(object, `spec.addresses[${at}]`, {
        code: "MLT2020",
        message: `Traffic to ${address}:${port.number} goes to ${objectKeyText(owner.object)}, ${reason}`,
        hint: "use an address that no other service has",
      });
    }
  }
}

/** Undefined where nothing is lost: HTTP services of one address are told apart by their hosts, TLS of entries by server name. */
function ownerOnPort(
  own: MeshService,
  { number, protocol }: MeshServicePort,
  { address, context: { read, model } }: { readonly address: string; readonly context: CheckContext },
): MeshService | undefined {
  // Of services with one host each client reaches one only, by its addresses too.
  const competes = ({ hostname, visibility }: MeshService) =>
    hostname !== own.hostname && haveCommonViewer(visibility, own.visibility);
  const lookup = { read, claims: model.addressClaims, address, port: number, competes };
  const owner = addressOwner(own, lookup);
  if (owner.object === own.object) return undefined;
  const theirs = owner.ports.find((port) => port.number === number);
  if (isHttp(protocol) && (theirs === undefined || isHttp(theirs.protocol))) return undefined;
  const isByServerName = owner.registry !== "Kubernetes" && theirs !== undefined && isTls(theirs.protocol);
  return isTls(protocol) && isByServerName ? undefined : owner;
}
