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

/** What all objects of one app depend on. */
export interface Surroundings {
  /** How many changes the app has seen. As long as it is the same, so are the specs. */
  readonly changes: number;
  /** Who may replace values on their way into a manifest. */
  readonly resolvers: IResolver[];
}

const BUILT_IN = [LazyResolver, ImplicitTokenResolver, NumberStringUnionResolver];

/**
 * An Istio object of ours, whose spec is made at synth, when every declaration is known: for the rules first, and then
 * for the manifest, which takes over what the rules saw when nothing has changed since.
 */
export class Emitted<S = unknown> implements EgressObject {
  public readonly object: ApiObject;
  private seen?: S;
  private seenAfter = -1;

  /**
   * @param owner the construct of ours that a finding about this object is reported for
   * @param make its spec as it is now: plain data
   */
  constructor(
    public readonly owner: IConstruct,
    scope: IConstruct,
    id: string,
    type: IstioClass<S>,
    metadata: ApiObjectMetadata,
    private readonly make: () => S,
    private readonly app: Surroundings,
  ) {
    this.object = new type(scope, id, { metadata, spec: Lazy.any(this) });
    const general = this.object.toJson;
    this.object.toJson = () => (this.isUntouched ? this.serialise() : undefined) ?? general.call(this.object);
  }

  /** What the rules look at. */
  public get manifest(): EgressObject['manifest'] {
    const { apiVersion, kind, name, metadata } = this.object;
    return { apiVersion, kind, metadata: { name, namespace: metadata.namespace }, spec: this.spec };
  }

  public get origin(): string {
    return this.object.node.path;
  }

  /** Whether nobody has asked for what cdk8s alone can do: JSON patches, resolvers, fields left in their order. */
  public get isUntouched(): boolean {
    return (
      patchesOf(this.object)?.length === 0 && !process.env.CDK8S_DISABLE_SORT && this.app.resolvers.every(isBuiltIn)
    );
  }

  /** The spec, for a manifest. It is not kept any longer. */
  public produce(): S {
    const spec = this.spec;
    this.forget();
    return spec;
  }

  /**
   * What the imported class would give, in half the time: it looks into every value for tokens, of which plain data has
   * none, and copies every level to put the fields in the order of the schema, which is that of the alphabet.
   *
   * @returns nothing where that does not work: cdk8s then says why, and of which object
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
    this.seen = undefined;
    this.seenAfter = -1;
  }

  private get spec(): S {
    const { changes } = this.app;
    if (this.seenAfter !== changes) {
      this.seen = this.make();
      this.seenAfter = changes;
    }
    return this.seen!;
  }
}

/**
 * cdk8s keeps an object's JSON patches to itself; where a version calls them otherwise, the object counts as patched.
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
 * Fields as cdk8s writes them: in order, and none without a value.
 *
 * @param field under which the value stands: in one place the imported class has another name for a field than the
 * schema
 */
function asWritten(value: any, field?: string): any {
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => asWritten(item));
  if (value.constructor !== Object) throw new Error('no plain data');
  const result: any = {};
  for (const key of Object.keys(value).sort()) {
    const written = asWritten(value[key], key);
    if (written !== undefined)
      result[field === 'outlierDetection' && key === 'consecutive5XxErrors' ? 'consecutive5xxErrors' : key] = written;
  }
  return result;
}
