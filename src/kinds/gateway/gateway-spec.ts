// The schema of the spec of kind Gateway, and the types that follow from it.

import type { TypeOf } from "../schema.ts";
import { list, map, message, text } from "../schema.ts";
import { server } from "./server.ts";

export const gatewaySpec = message({ servers: list(server), selector: map(text()) });

export type GatewaySpec = TypeOf<typeof gatewaySpec>;
