// The views that connected proxies have: each with its one set and the sessions that share it. A view lives as long as
// it has a session.

import type { Profile } from "../view/profile.ts";
import type { ResourceReference } from "../xds/resource.ts";
import type { FormerRows, LayeredRows } from "./layered-rows.ts";
import { ProxySet } from "./proxy-set.ts";

export interface SharedView<Session> {
  readonly set: ProxySet;
  readonly sessions: ReadonlySet<Session>;
}

export interface ChangedView<Session> extends SharedView<Session> {
  readonly key: string;
  readonly references: readonly ResourceReference[];
}

interface OpenView<Session> extends SharedView<Session> {
  set: ProxySet;
  readonly sessions: Set<Session>;
}

export class SharedViews<Session> {
  readonly #rows: LayeredRows;
  readonly #viewsByKey = new Map<string, OpenView<Session>>();

  constructor(rows: LayeredRows) {
    this.#rows = rows;
  }

  /** Returns the view's set, which all who joined share. */
  join(profile: Profile, session: Session): ProxySet {
    const joined = this.#viewOf(profile);
    joined.sessions.add(session);
    return joined.set;
  }

  setOf(key: string): ProxySet | undefined {
    return this.#viewsByKey.get(key)?.set;
  }

  leave(key: string, session: Session): void {
    const view = this.#viewsByKey.get(key);
    view?.sessions.delete(session);
    if (view?.sessions.size === 0) this.#viewsByKey.delete(key);
  }

  /** Sets that a change concerns keep what was, and new ones take their place. Returns what changed, by view. */
  change(former: FormerRows): readonly ChangedView<Session>[] {
    if (former.size === 0) return [];
    const concerned: ChangedView<Session>[] = [];
    for (const [key, view] of this.#viewsByKey) {
      const references = view.set.concernedBy(former);
      if (references.length === 0) continue;
      const { set } = view;
      view.set = set.successor();
      set.keep(former);
      concerned.push({ key, set: view.set, sessions: view.sessions, references });
    }
    return concerned;
  }

  #viewOf({ id, layers }: Profile): OpenView<Session> {
    const known = this.#viewsByKey.get(id);
    if (known !== undefined) return known;
    const set = new ProxySet(this.#rows, layers);
    const opened = { set, sessions: new Set<Session>() };
    this.#viewsByKey.set(id, opened);
    return opened;
  }
}
