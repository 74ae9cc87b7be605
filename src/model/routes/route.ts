import { FieldRef } from '../answer/answer';
import { Undetermined } from '../answer/undetermined';
import { Indexed } from '../../manifests/indexed';

/**
 * What one object tells proxies about routes, whatever the dialect in which it is written. A reader for each dialect
 * makes it; what follows a request reads nothing else.
 */
export interface Routes {
  readonly object: Indexed;
  /** Full names. */
  readonly hosts: readonly string[];
  /** Who follows them: `mesh` for sidecars, `<namespace>/<name>` for a Gateway. */
  readonly gateways: readonly string[];
  readonly exportTo: readonly string[];
  readonly http: readonly HttpRoute[];
  readonly tls: readonly ConnectionRoute[];
  readonly tcp: readonly ConnectionRoute[];
}

/** A rule for requests that a proxy reads. */
export interface HttpRoute {
  readonly object: Indexed;
  /** Without any, it takes every request. */
  readonly matches: readonly HttpMatch[];
  /** What in it the model does not know. */
  readonly unknown?: Undetermined;
  /** Why Envoy rejects it, and with it all routes of the port. */
  readonly rejected?: Undetermined;
  readonly preflights?: Preflights;
  readonly delay?: { readonly share: number; readonly milliseconds: number; readonly where: FieldRef };
  readonly abort?: {
    readonly share: number;
    /** What callers see that do not speak gRPC. */
    readonly status: number;
    /** What calls of gRPC end with, instead. */
    readonly grpcStatus?: string;
    readonly where: FieldRef;
  };
  readonly action: HttpAction;
  /** Where it says that requests are copied. */
  readonly mirror?: FieldRef;
  /** Where they go; the weight is the percentage of requests. */
  readonly mirrors: readonly Target[];
  /** How long the host may take, in all or for each try. */
  readonly limits: readonly {
    readonly kind: 'all' | 'try';
    readonly milliseconds: number;
    readonly cause: FieldRef;
  }[];
  /** Whether the proxy tells the host how long it may take. */
  readonly tellsLimit: boolean;
  readonly retries?: Retries;
  readonly rewrite?: Rewrite;
  readonly headers?: HeaderChanges;
  /** Headers that it adds to responses. */
  readonly responses: readonly (readonly [name: string, value: string])[];
  /** Where it, or one of its destinations, changes the header Location of responses. */
  readonly relocates?: FieldRef;
}

/** How a rule answers CORS preflight requests: those from its origins, and all if it ignores those of others. */
export interface Preflights {
  readonly origins: readonly TextMatch[];
  readonly ignoresOthers: boolean;
  readonly where: FieldRef;
}

/** What a rule says of trying again. */
export interface Retries {
  readonly attempts: number;
  /** Why: `5xx`, a status, and others that are not a status of the host. */
  readonly on: readonly string[];
  readonly where: FieldRef;
}

/** What happens to a request that a rule takes. */
export type HttpAction =
  | {
      readonly kind: 'redirect';
      readonly where: FieldRef;
      readonly status: number;
      readonly scheme?: string;
      readonly authority?: string;
      readonly port?: number | 'as-asked';
      readonly path?: PathChange;
    }
  | { readonly kind: 'respond'; readonly where: FieldRef; readonly status: number }
  | { readonly kind: 'forward'; readonly where: FieldRef; readonly targets: readonly Target[] };

/** The new path: all of it, or in place of what the match has matched; or what a regular expression finds. */
export type PathChange =
  | { readonly kind: 'whole'; readonly path: string }
  | { readonly kind: 'matched'; readonly by: string }
  | { readonly kind: 'found'; readonly expression: string; readonly by: string; readonly where: FieldRef };

export interface Rewrite {
  readonly authority?: string;
  readonly path?: PathChange;
}

/** Changes of the headers of requests, whose names are in lower case. */
export interface HeaderChanges {
  /** Beside what the header has already. */
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** Which requests a rule takes. */
export interface HttpMatch {
  readonly where: FieldRef;
  readonly proxies: ProxyMatch;
  readonly unknown?: Undetermined;
  readonly path?: TextMatch;
  readonly method?: TextMatch;
  readonly authority?: TextMatch;
  readonly scheme?: TextMatch;
  readonly headers: readonly (NamedMatch & { readonly isNot: boolean })[];
  readonly parameters: readonly NamedMatch[];
}

/** Which proxies have a rule at all. */
export interface ProxyMatch {
  readonly port?: number;
  /** As in `Routes`; without any, all that follow the routes. */
  readonly gateways: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly namespace?: string;
}

export type TextMatch =
  | { readonly kind: 'exact' | 'prefix' | 'regex'; readonly text: string; readonly ignoreCase?: boolean }
  /** Whatever the value is. */
  | { readonly kind: 'present' };

export interface NamedMatch {
  readonly name: string;
  readonly is: TextMatch;
  /** Whether it asks for a claim of a token, not for a header. */
  readonly isClaim?: boolean;
}

/** A rule for connections that a proxy does not read. */
export interface ConnectionRoute {
  readonly where: FieldRef;
  readonly matches: readonly ConnectionMatch[];
  readonly targets: readonly Target[];
}

export interface ConnectionMatch {
  readonly where: FieldRef;
  readonly proxies: ProxyMatch;
  readonly serverNames: readonly string[];
  readonly ranges: readonly string[];
}

/** Where a rule leads. */
export interface Target {
  /** Full name; empty where the rule gives none. */
  readonly host: string;
  readonly port?: number;
  readonly subset?: string;
  readonly weight: number;
  readonly where: FieldRef;
  /** Where the subset is written. */
  readonly subsetWhere?: FieldRef;
  readonly headers?: HeaderChanges;
  /** Headers that it adds to responses. */
  readonly responses?: HttpRoute['responses'];
}

/** The targets that receive something. Weights count only where there are several. */
export function weighted(targets: readonly Target[]): readonly Target[] {
  return targets.length === 1 ? [{ ...targets[0], weight: 100 }] : targets.filter(({ weight }) => weight > 0);
}

/**
 * Every host to which the rules lead, with its ports; 0 where none is given. Rules for requests that name other
 * namespaces do not count, not even where another of their matches takes requests of this one.
 */
export function destinationsOf({ http, tls, tcp }: Routes, viewer: string): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  const isForOthers = ({ matches }: HttpRoute) =>
    matches.some(({ proxies }) => proxies.namespace) && !matches.some(({ proxies }) => proxies.namespace === viewer);
  const targets = [
    ...http
      .filter((rule) => !isForOthers(rule))
      .flatMap(({ action, mirrors }) => [...(action.kind === 'forward' ? action.targets : []), ...mirrors]),
    ...[...tls, ...tcp].flatMap((route) => route.targets),
  ];
  for (const { host, port = 0 } of targets) {
    if (host === '') continue;
    const ports = found.get(host);
    if (ports) ports.add(port);
    else found.set(host, new Set([port]));
  }
  return found;
}
