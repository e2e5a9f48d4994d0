// Where an inbound connection of bytes goes, decided before its server may say anything: a filter that denies can only
// close what has been forwarded already, and a server that speaks first would have spoken. The cluster forwards to where
// the connection was going; whoever isn't let in is sent to an address where nobody listens.

import { ConfigSchema } from "../../gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts";
import { typedConfig } from "../encode.ts";
import type { PackedMessage } from "../message-encoder.ts";

/** When it is known who calls. */
export type CallerKnownAt = "handshake" | "start";

const ORIGINAL_DESTINATION = "envoy.network.transport_socket.original_dst_address";

// An address that can't be read would let the connection pass.
const NOWHERE = "127.0.0.1:1";

/** `condition` is an expression in CEL over the connection; where it is false, or can't be evaluated, nobody gets in. */
export function destinationFilter(knownAt: CallerKnownAt, condition: string): PackedMessage {
  const values = [
    {
      key: { case: "objectKey" as const, value: ORIGINAL_DESTINATION },
      factoryKey: ORIGINAL_DESTINATION,
      value: {
        case: "formatString" as const,
        value: {
          format: {
            case: "textFormatSource" as const,
            value: {
              specifier: {
                case: "inlineString" as const,
                value: `%CEL(${condition} ? destination.address : '${NOWHERE}')%`,
              },
            },
          },
        },
      },
    },
  ];
  return typedConfig(
    ConfigSchema,
    knownAt === "handshake" ? { onDownstreamTlsHandshake: values } : { onNewConnection: values },
  );
}
