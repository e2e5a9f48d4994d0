// The values of the chart of a gateway, and of `meltemi install --gateway-values`: what each means and takes.

import { resourceRequirements } from "../kinds/pod/container.ts";
import { choice, integer, list, map, text } from "../kinds/schema.ts";
import type { ChartValues, ValuesOf } from "./chart-values.ts";
import { type GatewaySettings, gatewayService, imagePullPolicies } from "./gateway-settings.ts";
import { placementValues } from "./pod-placement.ts";

/** Of both; what stands beside the gateway in the installer's own settings is of the chart alone. */
const sharedValues = {
  name: {
    description:
      "Of all of its objects, and what Gateways select: app: NAME, and istio: NAME without istio-; the release's name where it is empty.",
    schema: text(),
  },
  replicas: { description: "How many pods it has.", schema: integer(1, 100) },
  imagePullPolicy: { description: "Always, IfNotPresent or Never.", schema: choice(...imagePullPolicies) },
  imagePullSecrets: {
    description: "Names of Secrets of its namespace, beside those that the control plane adds.",
    schema: list(text()),
  },
  resources: { description: "Of its proxies; injection's where it is empty.", schema: resourceRequirements },
  podAnnotations: { description: "Of its pods.", schema: map(text()) },
  ...placementValues("the gateway's pods"),
  service: {
    description:
      "The Service in front of it: annotations, and as in a Service's spec type, ports, loadBalancerIP, loadBalancerClass, loadBalancerSourceRanges, externalTrafficPolicy and their like.",
    schema: gatewayService,
  },
} satisfies ChartValues;

export const gatewayValues = {
  revision: { description: "Of the control plane, or a tag that points to one.", schema: text() },
  controlPlaneNamespace: {
    description: "Whose control planes may delete its pods, if they were made before injection answered.",
    schema: text(),
  },
  ...sharedValues,
} satisfies ChartValues;

export type GatewayValues = ValuesOf<typeof sharedValues>;

/** Those of the chart that the installer doesn't know by itself. */
export const installerGatewayValues = sharedValues;

export function valuesOfGateway(settings: GatewaySettings): GatewayValues {
  const { namespace: _, ...values } = settings;
  return values;
}
