// What a control plane asked of the API server for the status of objects, by its audit log.

import type { ApiServer } from "../../tests/kubernetes/cluster/api-server.ts";

export interface StatusCalls {
  readonly reads: number;
  readonly writes: number;
}

export async function statusCalls(server: ApiServer): Promise<StatusCalls> {
  const own = (await server.audit()).filter(
    ({ userAgent, objectRef }) =>
      userAgent?.startsWith("meltemi-control-plane") === true &&
      objectRef?.apiGroup?.endsWith(".istio.io") === true,
  );
  return {
    reads: own.filter(({ verb }) => verb === "get").length,
    writes: own.filter(({ objectRef }) => objectRef?.subresource === "status").length,
  };
}

export function callsSince(before: StatusCalls, after: StatusCalls): StatusCalls {
  return { reads: after.reads - before.reads, writes: after.writes - before.writes };
}
