// Where the files of a pod come from. The mesh uses emptyDir, configMap, secret, projected, downwardAPI and
// hostPath; the sources of storage vendors are known by name and not looked into.

import type { TypeOf } from "../schema.ts";
import { choice, flag, int32, integer, list, message, quantity, struct, text } from "../schema.ts";
import { labelSelector } from "../workload-selector.ts";

export const keyToPath = message({ mode: int32() }, { required: { key: text(), path: text() } });

const fieldRef = message({ apiVersion: text() }, { required: { fieldPath: text() } });
const resourceFieldRef = message(
  { containerName: text(), divisor: quantity() },
  { required: { resource: text() } },
);
export const downwardApiFile = message(
  { fieldRef, resourceFieldRef, mode: int32() },
  { required: { path: text() }, oneofs: [["fieldRef", "resourceFieldRef"]] },
);

const fileSource = { name: text(), items: list(keyToPath), optional: flag() };
export const configMapVolume = message({ ...fileSource, defaultMode: int32() });
export const secretVolume = message({
  secretName: text(),
  items: list(keyToPath),
  optional: flag(),
  defaultMode: int32(),
});
export const downwardApiVolume = message({ items: list(downwardApiFile), defaultMode: int32() });
export const emptyDirVolume = message({ medium: text(), sizeLimit: quantity() });
export const hostPathVolume = message({ type: text() }, { required: { path: text() } });

export const serviceAccountTokenProjection = message(
  { audience: text(), expirationSeconds: integer(600, 2 ** 32) },
  { required: { path: text() } },
);
const clusterTrustBundle = message(
  { name: text(), signerName: text(), optional: flag(), labelSelector },
  { required: { path: text() } },
);

export const volumeProjection = message({
  configMap: message(fileSource),
  secret: message(fileSource),
  downwardAPI: message({ items: list(downwardApiFile) }),
  serviceAccountToken: serviceAccountTokenProjection,
  clusterTrustBundle,
  podCertificate: struct(),
});
export const projectedVolume = message({ sources: list(volumeProjection), defaultMode: int32() });

const persistentVolumeClaim = message({ readOnly: flag() }, { required: { claimName: text() } });
const imageVolume = message({ reference: text(), pullPolicy: choice("Always", "IfNotPresent", "Never") });
const nfsVolume = message({ readOnly: flag() }, { required: { server: text(), path: text() } });
const csiVolume = message(
  {
    fsType: text(),
    readOnly: flag(),
    nodePublishSecretRef: message({ name: text() }),
    volumeAttributes: struct(),
  },
  { required: { driver: text() } },
);

const volumeSources = {
  emptyDir: emptyDirVolume,
  configMap: configMapVolume,
  secret: secretVolume,
  projected: projectedVolume,
  downwardAPI: downwardApiVolume,
  hostPath: hostPathVolume,
  persistentVolumeClaim,
  ephemeral: struct(),
  image: imageVolume,
  nfs: nfsVolume,
  csi: csiVolume,
  awsElasticBlockStore: struct(),
  azureDisk: struct(),
  azureFile: struct(),
  cephfs: struct(),
  cinder: struct(),
  fc: struct(),
  flexVolume: struct(),
  flocker: struct(),
  gcePersistentDisk: struct(),
  gitRepo: struct(),
  glusterfs: struct(),
  iscsi: struct(),
  photonPersistentDisk: struct(),
  portworxVolume: struct(),
  quobyte: struct(),
  rbd: struct(),
  scaleIO: struct(),
  storageos: struct(),
  vsphereVolume: struct(),
};

export const volume = message(volumeSources, {
  required: { name: text() },
  oneofs: [Object.keys(volumeSources)],
});

export type Volume = TypeOf<typeof volume>;
export type VolumeProjection = TypeOf<typeof volumeProjection>;
export type ProjectedVolume = TypeOf<typeof projectedVolume>;
export type KeyToPath = TypeOf<typeof keyToPath>;
export type DownwardApiFile = TypeOf<typeof downwardApiFile>;
