// Builds ask clients questions. What the client that stands for the mesh is asked is recorded: a client that would
// answer all of it as that one did is told the same, as builds depend on nothing else of it. So only clients with
// another answer are asked again, and no build can forget to say what it looks at.

import type { IpFamilies } from "../core/ip-families.ts";
import { type Labels, matchesLabels } from "../core/label-selector.ts";
import type { Read } from "../graph/read.ts";
import type { Client } from "../model/client.ts";
import { selectorId } from "../model/client-selectors.ts";
import type { Visibility } from "../model/visibility.ts";
import {
  type ClientScope,
  type ConnectedProxy,
  type Identity,
  IS_GATEWAY,
  type Question,
} from "./client-scope.ts";
import { importsRoutes, importsService } from "./import-sets.ts";

/** A client as builds see it: the same for all proxies of a scope. */
export interface ScopeClient extends Client {
  families(): IpFamilies;
  /** Names of hosts without addresses lead to automatic ones: nobody else's traffic comes there. */
  capturesDns(): boolean;
  isGateway(): boolean;
  /** For what is looked up by it. No two namespaces answer alike: `isIn` asks fewer. */
  namespace(): string;
}

const FAMILIES = "@families";
const CAPTURES_DNS = "@dns";
const NAMESPACE = "@namespace";
/** Something that scopes don't tell apart. */
const UNDECLARED = "@undeclared";

/** What a scope answers otherwise than the client that stands for the mesh. */
export function otherAnswers(scope: ClientScope, mesh: ClientScope): readonly Question[] {
  return [
    scope.namespace,
    NAMESPACE,
    UNDECLARED,
    ...scope.selectors,
    ...(scope.families === mesh.families ? [] : [FAMILIES]),
    ...(scope.capturesDns ? [CAPTURES_DNS] : []),
    ...(scope.isGateway ? [IS_GATEWAY] : []),
  ];
}

export interface Recording {
  readonly client: ScopeClient;
  /** What was asked so far. */
  questions(): readonly Question[];
}

const NO_QUESTIONS: readonly Question[] = [];

/** The client that stands for the mesh: of no namespace, without labels, and with nothing unusual but its families. */
export function recordQuestions(
  { families }: Pick<ClientScope, "families">,
  identity: Identity,
  read: Read,
): Recording {
  let asked: Set<Question> | undefined;
  const record = (question: Question) => {
    asked ??= new Set();
    asked.add(question);
    return false;
  };
  const recordDeclared = (question: Question) => {
    if (!identity.declares(question, "", read)) {
      identity.onUndeclared(question);
      record(UNDECLARED);
    }
    return record(question);
  };
  const client: ScopeClient = {
    isIn: record,
    sees: (visibility) => isSeenBy(visibility, record),
    imports: ({ visibility }) => isSeenBy(visibility, record),
    follows: ({ visibility }) => isSeenBy(visibility, record),
    matches: (labels) => isEmpty(labels) || recordDeclared(selectorId(labels)),
    families: () => {
      record(FAMILIES);
      return families;
    },
    capturesDns: () => record(CAPTURES_DNS),
    isGateway: () => recordDeclared(IS_GATEWAY),
    namespace: () => {
      record(NAMESPACE);
      return "";
    },
  };
  return { client, questions: () => (asked === undefined ? NO_QUESTIONS : [...asked]) };
}

/** Any client of a scope. What its proxies don't agree on is answered as one of them would. */
export function clientOf(scope: ClientScope, identity: Identity, read: Read): ScopeClient {
  const { namespace, selectors, families, capturesDns, isGateway, imports } = scope;
  const isIn = (other: string) => other === namespace;
  const answer = (isSo: boolean, question: Question, ofProxy: (proxy: ConnectedProxy) => boolean) => {
    if (isSo || identity.declares(question, namespace, read)) return isSo;
    identity.onUndeclared(question);
    const member = identity.memberOf(scope, read);
    return member !== undefined && ofProxy(member);
  };
  return {
    isIn,
    sees: (visibility) => isSeenBy(visibility, isIn),
    imports: (service) =>
      isSeenBy(service.visibility, isIn) && (imports === undefined || importsService(imports, service)),
    follows: (routes) =>
      isSeenBy(routes.visibility, isIn) && (imports === undefined || importsRoutes(imports, routes)),
    matches: (wanted) => {
      if (isEmpty(wanted)) return true;
      const id = selectorId(wanted);
      return answer(selectors.includes(id), id, ({ labels }) => matchesLabels(wanted, labels));
    },
    families: () => families,
    capturesDns: () => capturesDns,
    isGateway: () => answer(isGateway, IS_GATEWAY, ({ kind }) => kind === "router"),
    namespace: () => namespace,
  };
}

function isSeenBy(visibility: Visibility, isIn: (namespace: string) => boolean): boolean {
  return visibility === "public" || visibility.namespaces.some(isIn);
}

function isEmpty(labels: Labels): boolean {
  return Object.keys(labels).length === 0;
}
