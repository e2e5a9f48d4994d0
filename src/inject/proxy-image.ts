// Which image the proxy's container runs: the mesh's own, one that the pod names, and the variant of either.

import type { PodAnnotations } from "./pod-annotations.ts";

export interface ImageChoice {
  /** The mesh's image: `HUB/NAME:TAG`, or with a digest. */
  readonly ofMesh: string;
  readonly annotations: PodAnnotations;
  /** Of ProxyConfig. */
  readonly imageType: string | undefined;
}

/** A name without a slash is one of the mesh's hub and tag; a whole reference is taken as it is, without a variant. */
export function proxyImage({ ofMesh, annotations, imageType }: ImageChoice): string {
  const { image, imageType: annotatedType } = annotations;
  if (image?.includes("/") === true) return image;
  const { hub, name, tag } = splitImage(ofMesh);
  const [ownName = name, ownTag = tag] = image === undefined || image === "" ? [] : splitTag(image);
  return `${hub}${ownName}${variantOf(ownTag, annotatedType ?? imageType)}`;
}

/** Meltemi's images hold no shell and no package manager, so the usual one is what Istio calls distroless. */
const usualTypes: ReadonlySet<string> = new Set(["", "default", "distroless"]);

function variantOf(tag: string, type = ""): string {
  const isFixed = tag === "" || tag.startsWith("@") || tag.endsWith(`-${type}`);
  return usualTypes.has(type) || isFixed ? tag : `${tag}-${type}`;
}

interface ImageParts {
  /** With its slash. */
  readonly hub: string;
  readonly name: string;
  /** With its colon, or a digest with its at sign; may be empty. */
  readonly tag: string;
}

function splitImage(image: string): ImageParts {
  const slash = image.lastIndexOf("/") + 1;
  const [name, tag = ""] = splitTag(image.slice(slash));
  return { hub: image.slice(0, slash), name, tag };
}

function splitTag(text: string): readonly [name: string, tag: string | undefined] {
  const [, name = text, tag] = /^([^:@]+)([:@].+)$/.exec(text) ?? [];
  return [name, tag];
}
