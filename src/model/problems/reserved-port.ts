// Ports that proxies listen on themselves: a Service or Gateway that names one gets no listener there.

import type { Problem } from "../../core/problem.ts";
import { isHttp } from "../../core/protocol.ts";
import type { Gateway } from "../../kinds/gateway/gateway.ts";
import type { Service } from "../../kinds/service.ts";
import type { ServiceEntry } from "../../kinds/service-entry/service-entry.ts";
import { gatewayTargetPorts } from "../gateway-target-port.ts";
import { isReservedInGateway, isReservedInSidecar } from "../reserved-ports.ts";
import { addressRanges, hasOwnListener, isMadeBy, type MeshService } from "../service.ts";
import { keyOf } from "../sources.ts";
import { addressedPorts } from "../workload-ports.ts";
import { type CheckContext, problemAt } from "./check.ts";
import { selectedWorkloads } from "./selected-workloads.ts";

export function* checkReservedServicePorts(
  object: Service | ServiceEntry,
  context: CheckContext,
): Iterable<Problem> {
  const { read, model, settings } = context;
  const { reservedPorts } = settings;
  const own = read
    .find(model.servicesByNamespace, object.metadata.namespace)
    .map(([, service]) => service)
    .find((service) => isMadeBy(service, keyOf(object)));
  for (const [at, port] of (object.spec?.ports ?? []).entries()) {
    const number = "number" in port ? port.number : port.port;
    const found = own?.ports.find((each) => each.number === number);
    if (own === undefined || found === undefined) continue;
    const isOnEveryAddress = isHttp(found.protocol) || !hasOwnListener(own) || addressRanges(own).length > 0;
    if (isOnEveryAddress && isReservedInSidecar(reservedPorts, "0.0.0.0", number)) {
      yield problemAt(object, `spec.ports[${at}]`, {
        code: "MLT2017",
        message: `Sidecars can't route calls to port ${number}: they listen on it themselves`,
        hint: "give the service another port",
      });
    } else if (isCaptured(found, reservedPorts.capture)) {
      yield problemAt(object, `spec.ports[${at}].targetPort`, {
        code: "MLT2017",
        message: `Port ${found.targetPort} of the pods can't be called through a sidecar, which takes captured traffic on it`,
        hint: "have the application listen on another port",
      });
    }
  }
}

function isCaptured({ targetPort }: MeshService["ports"][number], capture: readonly number[]): boolean {
  return targetPort !== undefined && capture.includes(targetPort);
}

export function* checkReservedGatewayPorts(object: Gateway, context: CheckContext): Iterable<Problem> {
  const { settings } = context;
  const pods = selectedWorkloads(object, context) ?? [];
  for (const [at, { port }] of (object.spec.servers ?? []).entries()) {
    const opened = pods.flatMap((pod) => {
      const addresses = [pod.address];
      const place = { ...pod, addressedPorts: addressedPorts({ ...pod, addresses }, context) };
      return gatewayTargetPorts(place, port.number, context);
    });
    const taken = (opened.length === 0 ? [port.number] : opened).find((number) =>
      isReservedInGateway(settings.reservedPorts, number),
    );
    if (taken === undefined) continue;
    yield problemAt(object, `spec.servers[${at}].port.number`, {
      code: "MLT2017",
      message: `Cannot open port ${taken}: gateways listen on it themselves`,
      hint: "give the server another port",
    });
  }
}
