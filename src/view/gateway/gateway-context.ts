// What the views of a gateway are made for, and from.

import type { Read } from "../../graph/read.ts";
import type { Model } from "../../model/model.ts";
import type { ClientScope, ConnectedProxy } from "../client-scope.ts";

export interface GatewayContext {
  readonly proxy: ConnectedProxy;
  readonly client: ClientScope;
  readonly model: Model;
  readonly read: Read;
}
