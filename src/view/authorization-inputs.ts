// What the builders of authorization filters may see: their cache key.

import type { AuthorizationRule } from "../kinds/authorization-policy/authorization-policy-spec.ts";
import type {
  EnvoyExternalAuthorizationGrpcProvider,
  EnvoyExternalAuthorizationHttpProvider,
} from "../kinds/mesh-config/extension-provider.ts";
import type { ProviderServer } from "../model/provider-server.ts";

export type AuthorizationAction = "ALLOW" | "DENY" | "AUDIT" | "CUSTOM";

/** Shared by all workloads that the same policies are for. */
export interface AuthorizationInputs {
  /** In any order: no verdict depends on it. */
  readonly policies: readonly AuthorizationPolicyInputs[];
  /** Of the actions CUSTOM, by name; a name that isn't here is nobody's. */
  readonly providers: Readonly<Record<string, AuthorizationProvider>>;
  /** The mesh's own, then its aliases; empty: a principal's trust domain is taken as it is written. */
  readonly trustDomains: readonly string[];
  /** Else policies of several providers for one workload are bad, as in Istio without its flag. */
  readonly allowsSeveralProviders: boolean;
  /** Refused requests are told by what. */
  readonly explainsDenials: boolean;
}

export interface AuthorizationPolicyInputs {
  readonly namespace: string;
  readonly name: string;
  readonly action: AuthorizationAction;
  /** It decides nothing: what it would decide is counted. */
  readonly isDryRun: boolean;
  /** It has errors, and stands for a policy that can't be read: it denies everything. */
  readonly isRefused?: true;
  /** Of the action CUSTOM. */
  readonly provider: string;
  readonly rules: readonly AuthorizationRule[];
}

/** Who decides for the action CUSTOM; undefined `server`: its service isn't in the mesh. */
export type AuthorizationProvider =
  | {
      readonly kind: "http";
      readonly settings: EnvoyExternalAuthorizationHttpProvider;
      readonly server: AuthorizationServer | undefined;
    }
  | {
      readonly kind: "grpc";
      readonly settings: EnvoyExternalAuthorizationGrpcProvider;
      readonly server: AuthorizationServer | undefined;
    };

export type AuthorizationServer = ProviderServer;
