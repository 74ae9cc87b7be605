import { EgressObject } from './rule';

/** What cannot be read off the manifests. */
export interface IndexOptions {
  /** The mesh's root namespace. @default "istio-system" */
  readonly rootNamespace?: string;
  /** Where objects without a namespace will be applied. @default "default" */
  readonly defaultNamespace?: string;
}

/** An object with what every rule asks about it. */
export interface Indexed extends EgressObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly spec: any;
}

const GROUPS = ['networking.istio.io', 'security.istio.io', 'telemetry.istio.io'];

/**
 * All objects of an app or a folder, arranged once for all rules. Every look-up is a map, so the rules stay linear.
 */
export class ManifestIndex {

  public readonly rootNamespace: string;
  public readonly all: Indexed[];
  private readonly byKind = new Map<string, Indexed[]>();
  private readonly serviceEntriesByHost = new Map<string, Indexed[]>();

  constructor(objects: EgressObject[], options: IndexOptions = {}) {
    this.rootNamespace = options.rootNamespace ?? 'istio-system';
    this.all = objects
      .filter(({ manifest }) => typeof manifest?.kind === 'string' && typeof manifest.metadata?.name === 'string')
      .map(({ manifest, origin }) => ({
        manifest,
        origin,
        kind: manifest.kind,
        namespace: manifest.metadata.namespace ?? options.defaultNamespace ?? 'default',
        name: manifest.metadata.name,
        spec: manifest.spec ?? {},
      }));
    for (const object of this.all) {
      if (GROUPS.includes(String(object.manifest.apiVersion).split('/')[0])) append(this.byKind, object.kind, object);
    }
    for (const entry of this.ofKind('ServiceEntry')) {
      for (const host of entry.spec.hosts ?? []) append(this.serviceEntriesByHost, host, entry);
    }
  }

  /** Istio objects of a kind. */
  public ofKind(kind: string): Indexed[] {
    return this.byKind.get(kind) ?? [];
  }

  /** ServiceEntries by host. */
  public get entriesByHost(): ReadonlyMap<string, Indexed[]> {
    return this.serviceEntriesByHost;
  }
}

/** `ServiceEntry payments/site [chart/site]` */
export function called(object: Indexed): string {
  return `${object.kind} ${object.namespace}/${object.name} [${object.origin}]`;
}

export function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** The namespaces that see an object: `*`, or names. A missing exportTo means everywhere, unless the mesh configuration says otherwise. */
export function visibleIn(object: Indexed): string[] {
  const exportTo: string[] = object.spec.exportTo ?? [];
  if (exportTo.length === 0) return ['*'];
  return exportTo.filter(item => item !== '~').map(item => item === '.' ? object.namespace : item);
}

/** Whether some namespace sees both. */
export function seenTogether(a: Indexed, b: Indexed): boolean {
  const first = visibleIn(a);
  const second = visibleIn(b);
  if (first.length === 0 || second.length === 0) return false;
  return first.includes('*') || second.includes('*') || first.some(namespace => second.includes(namespace));
}

/** The pairs of a short list; lists that are long by design are grouped before. */
export function pairs<T>(list: T[]): [T, T][] {
  return list.flatMap((a, index) => list.slice(index + 1).map((b): [T, T] => [a, b]));
}

/** Whether a host, or a wildcard such as `*.example.com` or `*`, covers a host. */
export function covers(pattern: string, host: string): boolean {
  return pattern === '*' || pattern === host || (pattern.startsWith('*') && host.endsWith(pattern.slice(1)));
}

/** Canonical text of a value, for comparing. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item) => item && typeof item === 'object' && !Array.isArray(item) ? Object.fromEntries(Object.entries(item).sort()) : item) ?? '';
}
