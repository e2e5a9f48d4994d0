// Keeps a pod's name table as the control plane has it: a state-of-the-world stream of one type, opened again with
// back-off for ever. The last table stays in force while there is no stream.

import { backoffDelayMs } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { GrpcClient } from "../grpc/client.ts";
import type { BidiClientCall } from "../grpc/client-call.ts";
import type { ProxyNode } from "./bootstrap/proxy-node.ts";
import { decodeNameTable, type NameTable } from "./dns/name-table.ts";
import { encodeStruct } from "./struct-message.ts";
import { field, message, readFields, textOf } from "./wire-message.ts";

export interface NameTableClientOptions {
  readonly node: ProxyNode;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly onTable: (table: NameTable) => void;
}

export interface NameTableClient {
  close(): void;
}

const PATH = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const NAME_TABLE_URL = "type.googleapis.com/istio.networking.nds.v1.NameTable";
// By it the control plane tells this stream from that of the pod's Envoy.
const AGENT_NAME = "meltemi-agent";
const backoff = { firstMs: 500, maxMs: 15_000 };

/** `client` is closed with it. */
export function startNameTableClient(client: GrpcClient, options: NameTableClientOptions): NameTableClient {
  const { node, clock, random, log, onTable } = options;
  let failureCount = 0;
  let isClosed = false;
  let cancelRetry: () => void = () => undefined;

  const open = (): void => {
    let call: BidiClientCall | undefined;
    call = client.bidi(PATH, {
      message(bytes) {
        const response = readFields(bytes);
        const body = response.get(2)?.at(-1);
        onTable(body === undefined ? new Map() : decodeNameTable(readFields(body).get(2)?.at(-1) ?? body));
        failureCount = 0;
        call?.write([acknowledgement(textOf(response, 1), textOf(response, 5))]);
      },
      closed(error) {
        if (isClosed) return;
        const delayMs = backoffDelayMs(failureCount++, backoff, random);
        log.warn(
          { reason: error?.message ?? "the stream ended", retryInMs: delayMs },
          "name table stream lost",
        );
        cancelRetry = clock.after(delayMs, open);
      },
    });
    call.write([firstRequest(node)]);
  };

  open();
  return {
    close() {
      isClosed = true;
      cancelRetry();
      client.close();
    },
  };
}

/** DiscoveryRequest without names, which asks for all; field numbers are those of discovery.proto and base.proto. */
function firstRequest({ id, cluster, metadata }: ProxyNode): Uint8Array {
  const node = message(
    field(1, id),
    field(2, cluster),
    field(3, encodeStruct(metadata)),
    field(6, AGENT_NAME),
  );
  return message(field(2, node), field(4, NAME_TABLE_URL));
}

function acknowledgement(version: string, nonce: string): Uint8Array {
  return message(field(1, version), field(4, NAME_TABLE_URL), field(5, nonce));
}
