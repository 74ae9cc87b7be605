import { FieldPath } from '../../manifests/field-path';
import { Indexed } from '../../manifests/indexed';
import { fullGateway } from '../../manifests/routes';
import { IstioSpecs, ItemOf, Of } from '../../manifests/specs';

type Spec = IstioSpecs['VirtualService'];
type Http = ItemOf<Spec['http']>;
type Match = ItemOf<Http['match']>;
type Text = Of<Match, 'uri'>;

/** A rule as it is written. */
export interface Rule {
  readonly object: Indexed<Spec>;
  readonly http: Http;
  readonly at: FieldPath;
}

export interface PlacedMatch {
  readonly object: Indexed<Spec>;
  readonly match: Match;
  readonly at: FieldPath;
}

/** A rule with the matches that it has in the end, and what it has from the rule that delegates to it. */
export interface MergedRule extends Rule {
  readonly matches: readonly PlacedMatch[];
  readonly root?: Rule & { readonly inherits: ReadonlySet<keyof Http> };
}

/** Finds the VirtualService to which one of a namespace may delegate: one without hosts that it sees. */
export type Delegates = (namespace: string, name: string, viewer: string) => Indexed<Spec> | undefined;

export function ownMatches({ object, http, at }: Rule): PlacedMatch[] {
  return (http.match ?? []).map((match, index) => ({
    object,
    match: { ...match, gateways: match.gateways?.map((name) => fullGateway(name, object.namespace)) },
    at: `${at}.match[${index}]`,
  }));
}

/** What a delegate has from the root where it does not say it itself. */
const INHERITED = [
  'rewrite',
  'directResponse',
  'timeout',
  'retries',
  'fault',
  'mirror',
  'mirrorPercent',
  'mirrorPercentage',
  'corsPolicy',
  'mirrors',
  'headers',
] as const satisfies readonly (keyof Http)[];

/**
 * The rules of the delegate in place of the rule that names it. Without the delegate, and where the matches of both
 * contradict each other, there is no rule.
 *
 * @see pilot/pkg/model/virtualservice.go, MergeHTTPRoutes
 */
export function delegatedRules(root: Rule, delegates: Delegates): MergedRule[] {
  const { name = '', namespace = root.object.namespace } = root.http.delegate ?? {};
  const object = delegates(namespace || root.object.namespace, name, root.object.namespace);
  return (object?.spec.http ?? []).flatMap((http, index): MergedRule[] => {
    const own: Rule = { object: object!, http, at: `spec.http[${index}]` };
    const matches = mergedMatches(ownMatches(root), ownMatches(own));
    if (!matches) return [];
    const inherits = new Set(INHERITED.filter((field) => http[field] === undefined && root.http[field] !== undefined));
    const inherited = Object.fromEntries([...inherits].map((field) => [field, root.http[field]]));
    return [{ ...own, http: { ...http, ...inherited }, matches, root: { ...root, inherits } }];
  });
}

/** Each match of the delegate must be within one of the root. */
function mergedMatches(
  roots: readonly PlacedMatch[],
  leaves: readonly PlacedMatch[],
): readonly PlacedMatch[] | undefined {
  if (roots.length === 0) return leaves;
  if (leaves.length === 0) return roots;
  const found = leaves.map((leaf) =>
    roots
      .filter((root) => !isConflict(root.match, leaf.match))
      .map((root) => ({ ...leaf, match: merged(root.match, leaf.match) })),
  );
  return found.some((own) => own.length === 0) ? undefined : found.flat();
}

function merged(root: Match, leaf: Match): Match {
  return {
    ...root,
    ...Object.fromEntries(Object.entries(leaf).filter(([, value]) => value !== undefined)),
    headers: { ...root.headers, ...leaf.headers },
    withoutHeaders: { ...root.withoutHeaders, ...leaf.withoutHeaders },
    queryParams: { ...root.queryParams, ...leaf.queryParams },
    sourceLabels: { ...root.sourceLabels, ...leaf.sourceLabels },
    gateways: leaf.gateways?.length ? leaf.gateways : root.gateways,
  };
}

function isConflict(root: Match, leaf: Match): boolean {
  return (
    (['uri', 'scheme', 'method', 'authority'] as const).some((field) => isTextConflict(root[field], leaf[field])) ||
    (['headers', 'withoutHeaders', 'queryParams'] as const).some((field) =>
      Object.entries(leaf[field] ?? {}).some(([name, text]) => isTextConflict(root[field]?.[name], text)),
    ) ||
    (root.ignoreUriCase ?? false) !== (leaf.ignoreUriCase ?? false) ||
    (!!root.port && !!leaf.port && root.port !== leaf.port) ||
    (!!root.sourceNamespace && root.sourceNamespace !== leaf.sourceNamespace) ||
    Object.entries(leaf.sourceLabels ?? {}).some(([key, value]) => (root.sourceLabels?.[key] ?? value) !== value) ||
    (!!root.gateways?.length && !!leaf.gateways?.length && leaf.gateways.some((name) => !root.gateways!.includes(name)))
  );
}

/** Whether a text that the leaf asks for may be one that the root does not ask for. */
function isTextConflict(root: Text | undefined, leaf: Text | undefined): boolean {
  if (!root || !leaf) return false;
  if (root.regex || leaf.regex) return true;
  if (root.exact) return leaf.exact !== root.exact;
  const text = leaf.prefix || leaf.exact;
  return !root.prefix || !text || !text.startsWith(root.prefix);
}
