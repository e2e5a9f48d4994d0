// Lists a collection in pages, so that neither side holds all of it as text at once.

import type { ApiClient } from "../../kubernetes/api-client.ts";
import { isApiError } from "../../kubernetes/api-error.ts";
import { PROTOBUF_TYPE, type ProtobufListReader } from "./protobuf-list.ts";
import type { RawList, RawObject } from "./raw-object.ts";

export interface ListRequest {
  readonly client: ApiClient;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Where it is given the list is asked for in protobuf; a server may answer in JSON all the same. */
  readonly readProtobuf?: ProtobufListReader | undefined;
  /** Called for each object; called again for all of them when `onRestart` said that the list begins anew. */
  readonly onObject: (object: RawObject) => void;
  readonly onRestart: () => void;
}

/** As Kubernetes' own clients have it. */
const PAGE_SIZE = 500;

/** Resolves with the resourceVersion to watch from. */
export async function listCollection(request: ListRequest): Promise<string> {
  try {
    return await listPages(request, { limit: String(PAGE_SIZE) });
  } catch (error) {
    if (!isApiError(error, 410)) throw error;
    // The server compacted what the pages were cut from: only a list in one piece is sure to end.
    request.onRestart();
    return listPages(request, {});
  }
}

async function listPages(request: ListRequest, limit: Readonly<Record<string, string>>): Promise<string> {
  const { client, path, signal, readProtobuf, onObject } = request;
  const accept = readProtobuf === undefined ? {} : { accept: PROTOBUF_TYPE };
  let query = { ...request.query, ...limit };
  for (;;) {
    const answer = await client.request({ path, query, signal, timeoutMs: 60_000, ...accept });
    const { metadata, items } =
      readProtobuf !== undefined && answer instanceof Buffer ? readProtobuf(answer) : (answer as RawList);
    for (const object of items ?? []) onObject(object);
    if (metadata.continue === undefined || metadata.continue === "") return metadata.resourceVersion;
    query = { ...request.query, ...limit, continue: metadata.continue };
  }
}
