// A Gateway's server on a port that another server has: plain TCP takes a port whole.

import { objectKeyText } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { Gateway } from "../../kinds/gateway/gateway.ts";
import { keyOf } from "../sources.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkGatewayPorts(object: Gateway, { read, indexes }: CheckContext): Iterable<Problem> {
  const told = new Set<string>();
  const own = keyOf(object);
  for (const [, dropped] of read.find(indexes.droppedServers, own)) {
    for (const { server, winner } of dropped) {
      if (server.object !== own || told.has(server.path)) continue;
      told.add(server.path);
      const { number } = server.server.port;
      const other = winner.object === own ? winner.path : `${objectKeyText(winner.object)} ${winner.path}`;
      yield problemAt(object, `${server.path}.port`, {
        code: "MLT2021",
        message: `Port ${number} (${server.protocol}) isn't opened: ${other} (${winner.protocol}) comes first and shares it with no other server`,
        hint: "TCP without TLS needs a port of its own",
      });
    }
  }
}
