// Who speaks on a connection, as its credentials prove it. Nothing that the peer says of itself is in here.

export interface PodReference {
  readonly name: string;
  readonly uid: string;
}

/** `certificate` and `token`: TLS or the issuer verified it. `socket`: nobody but this pod can reach the socket. */
export interface ProvenIdentity {
  readonly proof: "certificate" | "token" | "socket";
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Absent where the credential is bound to no pod: of an older release, of another CA, of a virtual machine. */
  readonly pod?: PodReference;
}

/** A pod and who it is, in the words of whoever starts it. */
export type PodOwner = Pick<ProvenIdentity, "namespace" | "serviceAccount"> & { readonly pod: PodReference };

/** `none`: on plaintext, where nobody proves anything. */
export type StreamIdentity = ProvenIdentity | { readonly proof: "none" };

// Kubernetes' RFC 1123 subdomain; a UID is a UUID, or for a static pod a hash.
const POD_NAME = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const POD_UID = /^[A-Za-z0-9-]{1,64}$/;

/** Undefined for anything that can't be a pod's name and UID. */
export function parsePodReference(name: unknown, uid: unknown): PodReference | undefined {
  if (typeof name !== "string" || typeof uid !== "string") return undefined;
  return POD_NAME.test(name) && POD_UID.test(uid) ? { name, uid } : undefined;
}
