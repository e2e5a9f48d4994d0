// The certificates of a test cluster, made by openssl: one root, and a leaf for each component.
// Nothing here is kept beyond the cluster's folder.

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const VALID_DAYS = "7";

export interface IssuedCertificate {
  readonly certificatePath: string;
  readonly keyPath: string;
}

export interface ClusterRoot extends IssuedCertificate {
  /** `subject` such as `/O=system:nodes/CN=system:node:one`; `names` such as `DNS:localhost`, `IP:127.0.0.1`. */
  issue(file: string, subject: string, names?: readonly string[]): Promise<IssuedCertificate>;
}

export async function createClusterRoot(folder: string): Promise<ClusterRoot> {
  const root = paths(folder, "root");
  await run("openssl", [
    ...[
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      VALID_DAYS,
    ],
    ...["-subj", "/CN=test cluster", "-keyout", root.keyPath, "-out", root.certificatePath],
  ]);
  return {
    ...root,
    async issue(file, subject, names = []) {
      const leaf = paths(folder, file);
      const request = join(folder, `${file}.csr`);
      const extensions = join(folder, `${file}.extensions`);
      await createSigningKey(leaf.keyPath);
      await run("openssl", ["req", "-new", "-key", leaf.keyPath, "-subj", subject, "-out", request]);
      const usages = "extendedKeyUsage=serverAuth,clientAuth\n";
      await writeFile(extensions, names.length > 0 ? `${usages}subjectAltName=${names.join(",")}\n` : usages);
      await run("openssl", [
        ...["x509", "-req", "-in", request, "-CA", root.certificatePath, "-CAkey", root.keyPath],
        ...["-CAserial", join(folder, `${file}.serial`), "-CAcreateserial", "-days", VALID_DAYS],
        ...["-extfile", extensions, "-out", leaf.certificatePath],
      ]);
      return leaf;
    },
  };
}

/** An EC key, as for ServiceAccount tokens. */
export async function createSigningKey(path: string): Promise<void> {
  await run("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path]);
}

function paths(folder: string, file: string): IssuedCertificate {
  return { certificatePath: join(folder, `${file}.crt`), keyPath: join(folder, `${file}.key`) };
}
