// The pod of a workload certificate, as the certificate's subject: `unstructuredName` has its name, `UID` its UID, and
// `description` what metrics call its workload, which peers read there. All are attributes that Envoy and Node print by
// name, and that hold the longest that Kubernetes allows (a common name ends at 64 characters). It reads other subjects
// too, and finds no pod in them.

import { type PodReference, parsePodReference } from "../core/stream-identity.ts";
import { formatDescription, type WorkloadDescription } from "../core/workload-description.ts";
import { childrenOf, type DerElement, DerError, objectIdentifierOf, readDer } from "./der-reader.ts";
import { derTag } from "./der-tag.ts";
import { derObjectIdentifier, derSequence, derSet, derUtf8String } from "./der-writer.ts";
import { objectIdentifier } from "./object-identifier.ts";

/** A description that is longer than X.520 lets it be is left out. */
export function encodePodSubject({ name, uid }: PodReference, description?: WorkloadDescription): Uint8Array {
  const text = description === undefined ? "" : formatDescription(description);
  return derSequence(
    ...(text === "" || text.length > MAX_DESCRIPTION_LENGTH
      ? []
      : [attribute(objectIdentifier.description, text)]),
    attribute(objectIdentifier.unstructuredName, name),
    attribute(objectIdentifier.userId, uid),
  );
}

// RFC 5280, appendix A.1 (ub-x509 of X.520's description).
const MAX_DESCRIPTION_LENGTH = 1024;

/** Undefined unless the subject names exactly one pod. */
export function readPodSubject(subject: Uint8Array): PodReference | undefined {
  try {
    const attributes = childrenOf(readDer(subject), derTag.sequence, "subject").flatMap((set) =>
      childrenOf(set, derTag.set, "relative name").map(readAttribute),
    );
    const textOf = (type: string) => {
      const found = attributes.filter((each) => each.type === type);
      return found.length === 1 ? found[0]?.text : undefined;
    };
    return parsePodReference(textOf(objectIdentifier.unstructuredName), textOf(objectIdentifier.userId));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function attribute(type: string, text: string): Uint8Array {
  return derSet(derSequence(derObjectIdentifier(type), derUtf8String(text)));
}

function readAttribute(element: DerElement): { readonly type: string; readonly text: string | undefined } {
  const [type, value] = childrenOf(element, derTag.sequence, "attribute");
  const text = value?.tag === derTag.utf8String ? Buffer.from(value.content).toString("utf8") : undefined;
  return { type: objectIdentifierOf(type, "attribute type"), text };
}
