import {
  ApiObject,
  ApiObjectMetadata,
  ImplicitTokenResolver,
  IResolver,
  JsonPatch,
  Lazy,
  LazyResolver,
  NumberStringUnionResolver,
} from 'cdk8s';
import { IConstruct } from 'constructs';
import type { EgressObject } from '../rules';

/** A generated class of imports/: `new ServiceEntry(scope, id, { metadata, spec })`. */
export type IstioClass<S> = new (
  scope: IConstruct & any,
  id: string,
  props: { metadata?: ApiObjectMetadata; spec: S } & any,
) => ApiObject;

/** The state of the app that its objects depend on. */
export interface AppState {
  /** A count that grows with every change: while it stays the same, so do the specs. */
  readonly changes: number;
  /** The resolvers that may replace values when manifests are written. */
  readonly resolvers: IResolver[];
}

const BUILT_IN = [LazyResolver, ImplicitTokenResolver, NumberStringUnionResolver];

/**
 * An Istio object of this library. Its spec is made at synth, when every declaration is known: for the rules first, and
 * then for the manifest, which reuses the spec that the rules saw if nothing has changed since.
 */
export class Emitted<S = unknown> implements EgressObject {
  public readonly object: ApiObject;
  private cachedSpec?: S;
  private cachedAt = -1;

  /**
   * @param owner the construct of this library that findings about this object are reported for
   * @param make returns the current spec as plain data
   */
  constructor(
    public readonly owner: IConstruct,
    scope: IConstruct,
    id: string,
    type: IstioClass<S>,
    metadata: ApiObjectMetadata,
    private readonly make: () => S,
    private readonly app: AppState,
  ) {
    this.object = new type(scope, id, { metadata, spec: Lazy.any(this) });
    const cdk8sToJson = this.object.toJson;
    this.object.toJson = () => (this.isUntouched ? this.serialise() : undefined) ?? cdk8sToJson.call(this.object);
  }

  /** The object as the rules see it. */
  public get manifest(): EgressObject['manifest'] {
    const { apiVersion, kind, name, metadata } = this.object;
    return { apiVersion, kind, metadata: { name, namespace: metadata.namespace }, spec: this.spec };
  }

  public get origin(): string {
    return this.object.node.path;
  }

  /** Whether the app uses nothing that needs cdk8s' own serialisation: JSON patches, resolvers, unsorted fields. */
  public get isUntouched(): boolean {
    return (
      patchesOf(this.object)?.length === 0 && !process.env.CDK8S_DISABLE_SORT && this.app.resolvers.every(isBuiltIn)
    );
  }

  /** The spec, for a manifest. The cached one is dropped. */
  public produce(): S {
    const spec = this.spec;
    this.forget();
    return spec;
  }

  /**
   * The same output as the generated class, in half the time: the class searches every value for tokens, which plain
   * data does not have, and copies every level to put its fields into the alphabetical order of the schema.
   *
   * @returns undefined if that fails: cdk8s then reports the reason and the object
   */
  private serialise(): any {
    const { apiVersion, kind, metadata } = this.object;
    try {
      return { apiVersion, kind, metadata: metadata.toJson(), spec: asWritten(this.spec) };
    } catch {
      return undefined;
    } finally {
      this.forget();
    }
  }

  private forget(): void {
    this.cachedSpec = undefined;
    this.cachedAt = -1;
  }

  private get spec(): S {
    const { changes } = this.app;
    if (this.cachedAt !== changes) {
      this.cachedSpec = this.make();
      this.cachedAt = changes;
    }
    return this.cachedSpec!;
  }
}

/**
 * The JSON patches of an object. cdk8s keeps them in a private field; in a version that names the field differently,
 * every object counts as patched.
 */
export function patchesOf(object: ApiObject): JsonPatch[] | undefined {
  return (object as any).patches;
}

function isBuiltIn(resolver: IResolver): boolean {
  return (
    BUILT_IN.some((builtIn) => resolver.constructor === builtIn) &&
    !Object.prototype.hasOwnProperty.call(resolver, 'resolve')
  );
}

/**
 * Fields as cdk8s writes them: sorted, without undefined values.
 *
 * @param field the name of the field that holds the value: the generated class renames one field of outlierDetection
 */
function asWritten(value: any, field?: string): any {
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => asWritten(item));
  if (value.constructor !== Object) throw new Error('not plain data');
  const result: any = {};
  for (const key of Object.keys(value).sort()) {
    const written = asWritten(value[key], key);
    if (written !== undefined)
      result[field === 'outlierDetection' && key === 'consecutive5XxErrors' ? 'consecutive5xxErrors' : key] = written;
  }
  return result;
}
