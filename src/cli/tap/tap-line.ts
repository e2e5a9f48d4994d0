// A request or connection as `meltemi tap` prints it: one line. A pod's agent may say anything, so each character that a
// terminal would obey is a question mark.

import { printable } from "../../core/printable.ts";
import type { TapEnd, TapEvent, TapLoss } from "../../core/tap-event.ts";
import { decidedBy, explainOutcome } from "../../explain/explain-outcome.ts";

export function tapLine(event: TapEvent, { limit }: { readonly limit?: string } = {}): string {
  const { direction, caller, called, service, isMutualTls } = event;
  const outcome = explainOutcome(event, limit === undefined ? {} : { limit });
  const parts = [
    clockTime(event.at),
    direction.padEnd(3),
    `${endText(caller)} -> ${endText(called, service)}`,
    event.kind === "http" ? requestText(event) : connectionText(event),
    `${event.durationMs} ms`,
    `${bytesText(event.receivedBytes)}/${bytesText(event.sentBytes)}`,
    ...(isMutualTls ? ["mTLS"] : []),
    ...routeText(event),
    ...headerTexts(event),
    ...(outcome === undefined ? [] : [`[${outcome}]`]),
  ];
  return printable(parts.join("  "));
}

export function tapLossLine({ dropped }: TapLoss, pod: string): string {
  return printable(`${dropped} more of pod "${pod}" came faster than they were read, and aren't shown`);
}

/** Of this machine's clock, as people read it off the wall. */
function clockTime(at: string): string {
  const time = new Date(at);
  const digits = (value: number, count = 2) => String(value).padStart(count, "0");
  const [hours, minutes, seconds] = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return `${digits(hours)}:${digits(minutes)}:${digits(seconds)}.${digits(time.getMilliseconds(), 3)}`;
}

function endText({ workload, namespace, address }: TapEnd, otherwise?: string): string {
  if (workload === undefined) return otherwise ?? address ?? "unknown";
  return namespace === undefined ? workload : `${namespace}/${workload}`;
}

function requestText({ method = "", authority = "", path = "", status = 0, grpcStatus }: TapEvent): string {
  const answer = status === 0 ? "no answer" : String(status);
  return `${method} ${authority}${path}  ${answer}${grpcStatus === undefined ? "" : ` grpc ${grpcStatus}`}`;
}

function connectionText({ state, connection, serverName, service }: TapEvent): string {
  const name = serverName ?? service;
  return `TCP ${name === undefined ? "" : `${name} `}#${connection ?? "?"}  ${state}`;
}

function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Only where a rule of the user's decided: every inbound route is called `default`. */
function routeText(event: TapEvent): readonly string[] {
  const object = decidedBy(event);
  return object === undefined ? [] : [`route ${event.route?.name || "-"} of ${object}`];
}

function headerTexts({ headers = {} }: TapEvent): readonly string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}
