// The registry of claims: every list of fields that some code implements. A claim that isn't reached from here doesn't
// count, so that `npm run fields` fails for its fields.

import { builderFields } from "../src/envoy/claims.ts";
import { policyFeatureFields } from "../src/fleet/policy-slot-tables.ts";
import type { ClaimedField } from "../src/kinds/claims.ts";
import { accessLogFields } from "../src/model/access-logs.ts";
import { authorizationChoiceFields } from "../src/model/authorization-policies.ts";
import { destinationRuleFields } from "../src/model/destination-rules.ts";
import { endpointFields } from "../src/model/endpoints.ts";
import { gatewayServerFields } from "../src/model/gateway-servers.ts";
import { hostRouteFields } from "../src/model/host-routes.ts";
import { logProviderFields } from "../src/model/log-providers.ts";
import { meshSettingFields } from "../src/model/mesh-settings.ts";
import { peerAuthenticationFields } from "../src/model/mutual-tls-modes.ts";
import { requestAuthenticationChoiceFields } from "../src/model/request-authentications.ts";
import { secretReaderFields } from "../src/model/secret-readers.ts";
import { serviceFields } from "../src/model/services.ts";
import { tracerFields } from "../src/model/tracers.ts";
import { tracingFields } from "../src/model/tracing.ts";
import { workloadFields } from "../src/model/workloads.ts";
import { authorizationFields } from "../src/view/authorization.ts";
import { localityFields } from "../src/view/endpoint-placement.ts";
import { machineFields } from "../src/view/recognition.ts";
import { claimedFieldsByFile } from "./claimed-fields.ts";

export interface Claim {
  /** `Kind.path`, a leaf. */
  readonly field: string;
  /** The file that claims it. */
  readonly file: string;
}

/** By the file that claims them. */
export const claimsOfCode: Readonly<Record<string, readonly ClaimedField[]>> = {
  "src/envoy/claims.ts": builderFields,
  "src/fleet/policy-slot-tables.ts": policyFeatureFields,
  "src/model/access-logs.ts": accessLogFields,
  "src/model/authorization-policies.ts": authorizationChoiceFields,
  "src/model/destination-rules.ts": destinationRuleFields,
  "src/model/endpoints.ts": endpointFields,
  "src/model/gateway-servers.ts": gatewayServerFields,
  "src/model/host-routes.ts": hostRouteFields,
  "src/model/log-providers.ts": logProviderFields,
  "src/model/request-authentications.ts": requestAuthenticationChoiceFields,
  "src/model/mesh-settings.ts": meshSettingFields,
  "src/model/mutual-tls-modes.ts": peerAuthenticationFields,
  "src/model/secret-readers.ts": secretReaderFields,
  "src/model/services.ts": serviceFields,
  "src/model/tracers.ts": tracerFields,
  "src/model/tracing.ts": tracingFields,
  "src/model/workloads.ts": workloadFields,
  "src/view/authorization.ts": authorizationFields,
  "src/view/endpoint-placement.ts": localityFields,
  "src/view/recognition.ts": machineFields,
};

export const claimRegistry: readonly Claim[] = [claimsOfCode, claimedFieldsByFile].flatMap((fieldsByFile) =>
  Object.entries(fieldsByFile).flatMap(([file, fields]) => fields.map((field) => ({ field, file }))),
);
