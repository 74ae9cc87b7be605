import { EgressObject, Manifest } from './egress-object';
import type { IstioSpecs } from './specs';
import { compare } from '../values/canonical';

export { canonical, compare } from '../values/canonical';

/** An object with the properties that every rule needs. */
export class Indexed<Spec = unknown> implements EgressObject {
  constructor(
    private readonly source: EgressObject,
    public readonly kind: string,
    public readonly namespace: string,
    public readonly name: string,
    public readonly spec: Spec,
    /** The domain that completes the short names in it. @default "cluster.local" */
    public readonly clusterDomain?: string,
  ) {}

  public get manifest(): Manifest {
    return this.source.manifest;
  }

  public get isTyped(): boolean {
    return this.source.isTyped === true;
  }

  /** Computing a construct path takes time, so the source is asked only for objects that are reported. */
  public get origin(): string {
    return this.source.origin;
  }
}

/** An Istio object of a kind. */
export type IstioObject<Kind extends keyof IstioSpecs> = Indexed<IstioSpecs[Kind]>;

/** `ServiceEntry payments/site` */
export function nameOf({ kind, namespace, name }: Named): string {
  return `${kind} ${namespace}/${name}`;
}

interface Named {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** `ServiceEntry payments/site [chart/site]` */
export function describe(object: Indexed): string {
  return `${nameOf(object)} [${object.origin}]`;
}

/** All of them by name; of more than six, the first five and the number of the rest. */
export function describeAll(objects: readonly Indexed[]): string {
  if (objects.length <= 6) return joinWords(objects.map(describe));
  return joinWords([...objects.slice(0, 5).map(describe), `${objects.length - 5} more`]);
}

/** `a, b and c` */
export function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}

/** Each object once, in an order that depends only on the objects. */
export function ordered<T extends Indexed>(objects: Iterable<T>): T[] {
  const key = ({ namespace, kind, name, origin }: Indexed) => `${namespace} ${kind} ${name} ${origin}`;
  return [...new Set(objects)]
    .map((object) => ({ object, key: key(object) }))
    .sort((a, b) => compare(a.key, b.key))
    .map(({ object }) => object);
}
