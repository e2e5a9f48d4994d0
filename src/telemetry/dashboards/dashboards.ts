// All dashboards.

import { controlPlaneDashboard } from "./control-plane-dashboard.ts";
import type { Dashboard } from "./dashboard.ts";
import { trafficDashboards } from "./traffic-dashboards.ts";

export const dashboards: readonly Dashboard[] = [...trafficDashboards, controlPlaneDashboard];
