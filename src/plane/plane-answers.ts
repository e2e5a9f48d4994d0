// What a control plane's admin interface answers of its objects and proxies, wherever it runs.

import type { ControlPlaneAnswers } from "../admin/control-plane-server.ts";
import { proxyStatuses } from "../admin/fleet-report.ts";
import { programmedReport } from "../admin/programmed-report.ts";
import { pushReports } from "../admin/push-report.ts";
import type { ControlPlane } from "./create-control-plane.ts";

export function planeAnswers({
  fleet,
  intake,
  find,
  debugPages,
  model,
}: ControlPlane): Pick<
  ControlPlaneAnswers,
  "proxies" | "programmed" | "debugPage" | "issuerKeys" | "pushes"
> {
  return {
    proxies: () => proxyStatuses(fleet, intake.locate.bind(intake)),
    debugPage: debugPages,
    issuerKeys: () =>
      [...model.requestAuthentications.issuerKeys.found.entries()].map(([location, keys]) => ({
        location,
        ...keys,
      })),
    pushes: (limit) => pushReports(fleet.pushes(limit), intake.locate.bind(intake)),
    programmed: (object) => programmedReport(fleet, object, find(object)),
  };
}
