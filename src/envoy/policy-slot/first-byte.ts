// Where an inbound connection of bytes goes, decided before its server may say anything: a filter that denies can only
// close what has been forwarded already, and a server that speaks first would have spoken. The cluster forwards to where
// the connection was going; whoever isn't let in is sent to an address where nobody listens.

import { ConfigSchema } from "../../gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts";
import { typedConfig } from "../encode.ts";
import type { PackedMessage } from "../message-encoder.ts";
import { CONNECTION_DENIAL } from "./denial.ts";

/** When it is known who calls. */
export type CallerKnownAt = "handshake" | "start";

const ORIGINAL_DESTINATION = "envoy.network.transport_socket.original_dst_address";

// An address that can't be read would let the connection pass.
const NOWHERE = "127.0.0.1:1";

export interface ForwardingCondition {
  /** In CEL over the connection; where it is false, or can't be evaluated, nobody gets in. */
  readonly text: string;
  /** In CEL: by what a connection isn't let in. */
  readonly denial: string;
}

export function destinationFilter(
  knownAt: CallerKnownAt,
  { text, denial }: ForwardingCondition,
): PackedMessage {
  const values = [
    stateValue(ORIGINAL_DESTINATION, `${text} ? destination.address : '${NOWHERE}'`),
    // The log would tell of a server that can't be reached.
    {
      ...stateValue(CONNECTION_DENIAL, `${text} ? '' : ${denial}`),
      factoryKey: "envoy.string",
      skipIfEmpty: true,
    },
  ];
  return typedConfig(
    ConfigSchema,
    knownAt === "handshake" ? { onDownstreamTlsHandshake: values } : { onNewConnection: values },
  );
}

function stateValue(name: string, expression: string) {
  const textFormat = {
    case: "textFormatSource" as const,
    value: { specifier: { case: "inlineString" as const, value: `%CEL(${expression})%` } },
  };
  return {
    key: { case: "objectKey" as const, value: name },
    factoryKey: name,
    value: { case: "formatString" as const, value: { format: textFormat } },
  };
}
