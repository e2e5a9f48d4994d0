// What the views of a gateway are made for, and from.

import type { Read } from "../../graph/read.ts";
import type { Model } from "../../model/model.ts";
import type { ScopeClient } from "../client-questions.ts";
import type { OwnSide } from "../own-sides.ts";

export interface GatewayContext {
  readonly side: OwnSide;
  readonly client: ScopeClient;
  readonly model: Model;
  readonly read: Read;
}
