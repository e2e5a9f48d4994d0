// Certificates for servers of these tests, made by openssl; each is its own authority. Nothing is left on disk.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export interface ServerCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export async function makeServerCertificate(hostname: string): Promise<ServerCertificate> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-certificate-"));
  const [certificate, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
  try {
    await promisify(execFile)("openssl", [
      ...[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
      ],
      ...["-keyout", key, "-out", certificate],
      ...["-subj", `/CN=${hostname}`, "-addext", `subjectAltName=DNS:${hostname}`],
    ]);
    return { certificatePem: await readFile(certificate, "utf8"), keyPem: await readFile(key, "utf8") };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** As a Secret of type kubernetes.io/tls. */
export function tlsSecret(
  name: string,
  { certificatePem, keyPem }: ServerCertificate,
  namespace = "test",
): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return `
apiVersion: v1
kind: Secret
metadata: {name: ${name}, namespace: ${namespace}}
type: kubernetes.io/tls
data: {tls.crt: ${base64(certificatePem)}, tls.key: ${base64(keyPem)}}
`;
}
