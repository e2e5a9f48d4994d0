// The verbs on single objects. What the server answers is trusted to have the form of its kind.

import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { ApiClient } from "./api-client.ts";
import { isApiError } from "./api-error.ts";
import type { ApiName, ApiResource } from "./api-resource.ts";
import { resourcePath } from "./api-resource.ts";

/** Undefined where there is none. */
export async function getObject(
  client: ApiClient,
  resource: ApiResource,
  name: ApiName,
): Promise<KubernetesObject | undefined> {
  try {
    return (await client.request({ path: resourcePath(resource, name) })) as KubernetesObject;
  } catch (error) {
    if (isApiError(error, 404)) return undefined;
    throw error;
  }
}

/** Throws an ApiError of status 409 where it exists. */
export async function createObject(
  client: ApiClient,
  resource: ApiResource,
  object: KubernetesObject,
): Promise<KubernetesObject> {
  const path = resourcePath(resource, placeOf(object));
  return (await client.request({ method: "POST", path, body: object })) as KubernetesObject;
}

/** Throws an ApiError of status 409 where it has another resourceVersion than `object` says. */
export async function replaceObject(
  client: ApiClient,
  resource: ApiResource,
  object: KubernetesObject,
): Promise<KubernetesObject> {
  const path = resourcePath(resource, { ...placeOf(object), name: object.metadata.name });
  return (await client.request({ method: "PUT", path, body: object })) as KubernetesObject;
}

export interface ApplyOptions {
  /** Whose fields they become. */
  readonly fieldManager: string;
  /** Take fields from other managers that have them; otherwise that is an ApiError of status 409. */
  readonly isForced?: boolean;
  readonly subresource?: string;
  /** Ask what would happen, change nothing. */
  readonly isDryRun?: boolean;
}

/** Server-side apply: makes the object or brings it to say what `object` says. */
export async function applyObject(
  client: ApiClient,
  resource: ApiResource,
  object: KubernetesObject,
  options: ApplyOptions,
): Promise<KubernetesObject> {
  const { fieldManager, isForced = false, subresource, isDryRun = false } = options;
  const name = { ...placeOf(object), name: object.metadata.name, ...(subresource && { subresource }) };
  const answer = await client.request({
    method: "PATCH",
    path: resourcePath(resource, name),
    query: { fieldManager, force: String(isForced), ...(isDryRun && { dryRun: "All" }) },
    contentType: "application/apply-patch+yaml",
    body: object,
  });
  return answer as KubernetesObject;
}

export interface DeleteOptions {
  /** Delete no other of that name: an ApiError of status 409 where it is another one by now. */
  readonly uid?: string | undefined;
}

/** False where there was none. */
export async function deleteObject(
  client: ApiClient,
  resource: ApiResource,
  name: ApiName & { readonly name: string },
  { uid }: DeleteOptions = {},
): Promise<boolean> {
  try {
    const options = { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" };
    const body = uid === undefined ? options : { ...options, preconditions: { uid } };
    await client.request({ method: "DELETE", path: resourcePath(resource, name), body });
    return true;
  } catch (error) {
    if (isApiError(error, 404)) return false;
    throw error;
  }
}

function placeOf({ metadata: { namespace } }: KubernetesObject): { readonly namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}
