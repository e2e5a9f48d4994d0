// Asks the API server whether a ServiceAccount may read the Secrets of its namespace.

import type { ApiClient } from "./api-client.ts";

const PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/** Throws where the server can't be asked. */
export async function reviewSecretAccess(
  client: ApiClient,
  { namespace, serviceAccount }: { readonly namespace: string; readonly serviceAccount: string },
): Promise<"allowed" | "denied"> {
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: {
      user: `system:serviceaccount:${namespace}:${serviceAccount}`,
      // What the server itself would add to a request of this account.
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
      resourceAttributes: { namespace, verb: "list", version: "v1", resource: "secrets" },
    },
  };
  const answer = await client.request({ method: "POST", path: PATH, body, timeoutMs: 10_000 });
  const { status } = (answer ?? {}) as {
    readonly status?: { readonly allowed?: boolean; readonly denied?: boolean };
  };
  return status?.allowed === true && status.denied !== true ? "allowed" : "denied";
}
