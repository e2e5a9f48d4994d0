// One proxy's stream, as those who report on the fleet see it.

import type { StreamIdentity } from "../core/stream-identity.ts";
import type { ConnectedProxy } from "../view/client-scope.ts";
import type { XdsStreamHandle } from "../xds/backend.ts";
import type { ProxyOrigin } from "./proxy-identity.ts";
import type { SessionLedger } from "./session-ledger.ts";
import type { SessionRefusals } from "./session-refusals.ts";

/** A stream of one proxy. */
export interface FleetSession {
  /** As it says; it agrees with what is proven of the proxy. */
  readonly nodeId: string;
  readonly identity: StreamIdentity;
  readonly proxy: ConnectedProxy;
  readonly origin: ProxyOrigin;
  readonly envoyVersion: string;
  readonly view: string;
  readonly ledger: SessionLedger;
  readonly refusals: SessionRefusals;
  readonly connectedAtMs: number;
  readonly stream: Pick<XdsStreamHandle, "standing">;
}
