import { hostOf, urlOf } from '../access/request-url';
import { specOf } from '../manifests/specs';
import { EgressObject, ModelCaller } from '../model';
import { hostsOverlap } from '../model/objects/host-names';
import { nearest } from '../values/nearest';

/** What exists although no manifest names it. */
export interface Known {
  readonly namespaces: readonly string[];
  readonly hosts: readonly string[];
}

/** Why an answer proves nothing. */
export interface Doubt {
  readonly because: string;
  /** What to tell `expectEgress` if it is meant. */
  readonly otherwise?: string;
}

/** Why an answer proves nothing: there are no manifests, or the question is probably misspelt. */
export function nothingToJudge(
  objects: readonly EgressObject[],
  { namespace }: ModelCaller,
  url: string,
  known: Known = { namespaces: [], hosts: [] },
  written: ReadonlySet<string> = textsIn(objects),
): Doubt | undefined {
  if (objects.length === 0) return { because: 'there are no manifests, so there is nothing to judge' };
  if (![...known.namespaces, ...written].some((text) => names(text, namespace))) {
    const like = nearest(
      namespace,
      objects.flatMap(({ manifest }) => manifest?.metadata?.namespace ?? []),
    );
    return {
      because:
        `no manifest names the namespace "${namespace}" of the caller: ` +
        `${like === undefined ? 'is it misspelt' : `is ${like} meant`}?`,
      otherwise: `If it exists, say so: expectEgress(manifests, { namespaces: ['${namespace}'] })`,
    };
  }
  const host = hostOf(urlOf(url)).toLowerCase();
  // Also in objects that an API server refuses.
  const declared = objects
    .flatMap(
      ({ manifest }): unknown => (specOf(manifest, 'ServiceEntry') ?? specOf(manifest, 'VirtualService'))?.hosts ?? [],
    )
    .filter((name) => typeof name === 'string');
  if (known.hosts.includes(host) || declared.some((name) => hostsOverlap(name.toLowerCase(), host))) return undefined;
  const like = nearest(
    host,
    declared.filter((name) => name.includes('.')).map((name) => (name.startsWith('*.') ? below(name, host) : name)),
  );
  return like === undefined
    ? undefined
    : {
        because: `no manifest names ${host}: is ${like} meant?`,
        otherwise: `If both exist, say so: expectEgress(manifests, { hosts: ['${host}'] })`,
      };
}

/** The name that a wildcard covers and that begins like a host: `a.b.example.com` for `*.example.com`, `a.b.exmple.com`. */
function below(wildcard: string, host: string): string {
  const suffix = wildcard.split('.').slice(1);
  return [...host.split('.').slice(0, -suffix.length), ...suffix].join('.');
}

/** The account that is probably meant, if no manifest names that of the caller. */
export function accountMeant(
  written: ReadonlySet<string>,
  { namespace, serviceAccount }: ModelCaller,
): string | undefined {
  const before = `/ns/${namespace}/sa/`;
  const accounts = [...written].flatMap((text) => (text.includes(before) ? [text.split(before)[1]] : []));
  return accounts.includes(serviceAccount) ? undefined : nearest(serviceAccount, accounts);
}

/** All texts in objects. */
export function textsIn(objects: readonly EgressObject[]): ReadonlySet<string> {
  const texts = new Set<string>();
  for (const { manifest } of objects) collect(manifest, texts);
  return texts;
}

/** All texts in an object, and the keys of its mappings. */
function collect(value: unknown, texts: Set<string>): void {
  if (typeof value === 'string') texts.add(value);
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach((one) => collect(one, texts));
}

/** Whether a text is the namespace or has it as a part: `payments/checkout`, `svc.payments.svc.cluster.local`. */
function names(text: string, namespace: string): boolean {
  return text === namespace || text.split(/[/.:,;\s"]+/).includes(namespace);
}
