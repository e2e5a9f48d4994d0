// Signs workloads' and the control plane's certificates with a CA key held in memory. It reads no file, asks
// nobody who they are, and prints no key: callers pass names that they have authenticated.

import type { KeyObject } from "node:crypto";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { Redacted } from "../core/redacted.ts";
import { redacted } from "../core/redacted.ts";
import type { PodReference } from "../core/stream-identity.ts";
import type { WorkloadDescription } from "../core/workload-description.ts";
import type { Certificate } from "./certificate.ts";
import { readCertificate } from "./certificate.ts";
import { buildCertificate, emptyName, keyIdentifierOf, organizationName } from "./certificate-writer.ts";
import { DerError, readDer } from "./der-reader.ts";
import { decodePem, encodePem } from "./pem.ts";
import { encodePodSubject } from "./pod-subject.ts";
import { signerOf } from "./signature-algorithm.ts";
import type { SubjectAlternativeNames } from "./subject-alternative-name.ts";
import type { SubjectPublicKey } from "./subject-public-key.ts";
import { readSubjectPublicKey } from "./subject-public-key.ts";

export interface CertificateAuthority {
  /** Trust anchors, one or more PEM blocks, as workloads get them. */
  readonly rootsPem: string;
  /** When the signing certificate itself ends. */
  readonly notAfterMs: number;
  /**
   * PEM blocks from the leaf over any intermediates; the last element holds all trust anchors.
   * The leaf never outlives the signing certificate.
   */
  issue(leaf: LeafRequest): readonly string[];
}

export interface LeafRequest {
  readonly publicKey: SubjectPublicKey;
  readonly names: SubjectAlternativeNames;
  /** Whose it is, where the caller's credential is bound to a pod. */
  readonly pod?: PodReference;
  /** What metrics call the pod's workload. */
  readonly description?: WorkloadDescription;
  readonly ttlMs: number;
}

/** The text of a CA's files, as Istio's `cacerts` names them. */
export interface AuthorityFiles {
  /** ca-cert.pem: the signing certificate. */
  readonly certificatePem: string;
  /** ca-key.pem */
  readonly keyPem: Redacted<string>;
  /** cert-chain.pem: the signing certificate and any intermediates above it; empty for a self-signed root. */
  readonly chainPem: string;
  /** root-cert.pem */
  readonly rootsPem: string;
}

export interface AuthorityContext {
  readonly clock: Clock;
  /** So many bytes from a cryptographic source. */
  readonly randomBytes: (byteCount: number) => Uint8Array;
}

export type AuthorityResult =
  | { readonly kind: "authority"; readonly authority: CertificateAuthority }
  | { readonly kind: "unfit"; readonly reason: string };

// Istio backdates by as much, for machines whose clocks differ a little (pkg: security/pki/util).
const BACKDATE_MS = 2 * 60_000;

/** Says what is wrong when the files don't fit together: the reason names files, never their content. */
export function createCertificateAuthority(
  files: AuthorityFiles,
  context: AuthorityContext,
): AuthorityResult {
  const read = readSigningPair(files);
  if (typeof read === "string") return { kind: "unfit", reason: read };
  const reason = findChainFault(files, read.certificate, context.clock.now());
  if (reason !== undefined) return { kind: "unfit", reason };
  const signer = signerOf(read.key);
  const { certificate } = read;
  const upperChain = upperChainOf(files);
  const issue = ({ publicKey, names, pod, description, ttlMs }: LeafRequest): readonly string[] => {
    const nowMs = context.clock.now();
    const fields = {
      serial: context.randomBytes(16),
      issuerName: certificate.subjectName,
      issuerKeyId: certificate.subjectKeyId ?? keyIdentifierOf(certificate.publicKey),
      subjectName: pod === undefined ? emptyName : encodePodSubject(pod, description),
      notBeforeMs: nowMs - BACKDATE_MS,
      notAfterMs: Math.min(nowMs + ttlMs, certificate.notAfterMs),
      publicKey,
      usage: { kind: "leaf", names },
    } as const;
    return [encodePem("CERTIFICATE", buildCertificate(fields, signer)), ...upperChain];
  };
  const authority = { rootsPem: files.rootsPem, notAfterMs: certificate.notAfterMs, issue };
  return { kind: "authority", authority };
}

const ROOT_TTL_MS = 3650 * 24 * 3_600_000;

/** A self-signed root of ten years for a new P-256 or other key that the caller made. */
export function buildRootFiles(
  privateKey: KeyObject,
  trustDomain: string,
  { clock, randomBytes }: AuthorityContext,
): AuthorityFiles {
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const publicKey = readSubjectPublicKey(readDer(spki));
  const name = organizationName(trustDomain);
  const nowMs = clock.now();
  const fields = {
    serial: randomBytes(16),
    issuerName: name,
    issuerKeyId: keyIdentifierOf(publicKey),
    subjectName: name,
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: nowMs + ROOT_TTL_MS,
    publicKey,
    usage: { kind: "authority" },
  } as const;
  const certificatePem = encodePem("CERTIFICATE", buildCertificate(fields, signerOf(privateKey)));
  const keyPem = redacted(privateKey.export({ format: "pem", type: "pkcs8" }).toString());
  return { certificatePem, keyPem, chainPem: "", rootsPem: certificatePem };
}

interface SigningPair {
  readonly key: KeyObject;
  readonly certificate: Certificate;
}

function readSigningPair(files: AuthorityFiles): SigningPair | string {
  const [der] = decodePem("CERTIFICATE", files.certificatePem);
  if (der === undefined) return "ca-cert.pem holds no certificate";
  const certificate = readCertificateOrReason(der);
  if (typeof certificate === "string") return `ca-cert.pem can't be read: ${certificate}`;
  const key = readKey(files.keyPem);
  if (key === undefined) return "ca-key.pem holds no unencrypted private key";
  if (!createPublicKey(key).equals(certificate.publicKey.key))
    return "ca-key.pem isn't the key of ca-cert.pem";
  return { key, certificate };
}

function readCertificateOrReason(der: Uint8Array): Certificate | string {
  try {
    return readCertificate(der);
  } catch (error) {
    if (error instanceof DerError) return error.message;
    throw error;
  }
}

function readKey(pem: Redacted<string>): KeyObject | undefined {
  try {
    return createPrivateKey(pem.reveal());
  } catch {
    // OpenSSL's message may quote the input, so it goes no further.
    return undefined;
  }
}

function findChainFault(files: AuthorityFiles, signing: Certificate, nowMs: number): string | undefined {
  if (!signing.isAuthority) return "ca-cert.pem isn't the certificate of a CA";
  if (signing.notAfterMs <= nowMs) return "ca-cert.pem has expired";
  const roots = parseCertificates(files.rootsPem);
  const chain = parseCertificates(files.chainPem);
  const leaf = parseCertificates(files.certificatePem)?.[0];
  if (roots === undefined || chain === undefined || leaf === undefined) return "a certificate can't be read";
  const [root] = roots;
  if (root === undefined) return "root-cert.pem holds no certificate";
  const path = [leaf, ...chain.filter((one) => one.fingerprint256 !== leaf.fingerprint256)];
  for (const [index, certificate] of path.entries()) {
    const issuers = index + 1 < path.length ? path.slice(index + 1, index + 2) : roots;
    const isRoot = roots.some((one) => one.fingerprint256 === certificate.fingerprint256);
    const isSigned = issuers.some(
      (issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
    );
    if (!isRoot && !isSigned)
      return "the chain from ca-cert.pem over cert-chain.pem doesn't end at root-cert.pem";
  }
  return undefined;
}

function parseCertificates(pem: string): readonly X509Certificate[] | undefined {
  try {
    return decodePem("CERTIFICATE", pem).map((der) => new X509Certificate(der));
  } catch {
    return undefined;
  }
}

// What stands above a leaf: the signing certificate unless it is a root itself, the intermediates, then all roots as
// one block. Istio's agents take the last element as the whole trust bundle, which holds two while roots change over.
function upperChainOf(files: AuthorityFiles): readonly string[] {
  const blocksOf = (text: string) =>
    decodePem("CERTIFICATE", text).map((der) => encodePem("CERTIFICATE", der));
  const roots = blocksOf(files.rootsPem);
  const signing = [...blocksOf(files.certificatePem).slice(0, 1), ...blocksOf(files.chainPem)];
  return [...new Set(signing)].filter((block) => !roots.includes(block)).concat(roots.join(""));
}
