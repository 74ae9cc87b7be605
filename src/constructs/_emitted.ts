import { ApiObject, ApiObjectMetadata, ImplicitTokenResolver, IResolver, JsonPatch, Lazy, LazyResolver, NumberStringUnionResolver } from 'cdk8s';
import { IConstruct } from 'constructs';
import type { EgressObject } from '../rules';

/** A generated class of imports/: `new ServiceEntry(scope, id, { metadata, spec })`. */
export type IstioClass<S> = new (scope: IConstruct & any, id: string, props: { metadata?: ApiObjectMetadata; spec: S } & any) => ApiObject;

/** What all objects of one app depend on. */
export interface Surroundings {
  /** How many changes the app has seen. As long as it is the same, so are the specs. */
  readonly changes: number;
  /** Who may replace values on their way into a manifest. */
  readonly resolvers: IResolver[];
}

/** Fields that the imported classes call otherwise than the schema does. */
export const RENAMED: Record<string, string> = { consecutive5XxErrors: 'consecutive5xxErrors', mirrorPercent: 'mirror_percent' };

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
    public readonly owner: IConstruct, scope: IConstruct, id: string, type: IstioClass<S>, metadata: ApiObjectMetadata,
    private readonly make: () => S, private readonly app: Surroundings,
  ) {
    this.object = new type(scope, id, { metadata, spec: Lazy.any(this) });
    const general = this.object.toJson;
    this.object.toJson = () => this.isPlain ? this.serialise() : general.call(this.object);
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
  public get isPlain(): boolean {
    return patchesOf(this.object)?.length === 0 && !process.env.CDK8S_DISABLE_SORT &&
      this.app.resolvers.every(resolver => BUILT_IN.some(builtIn => resolver instanceof builtIn));
  }

  /** The spec, for a manifest. It is not kept any longer. */
  public produce(): S {
    const spec = this.spec;
    this.seen = undefined;
    this.seenAfter = -1;
    return spec;
  }

  /**
   * What the imported class would give, in a third of the time: it looks into every value for tokens, of which plain data has none,
   * and copies every level to put the fields in the order of the schema, which is that of the alphabet.
   */
  private serialise(): any {
    const { apiVersion, kind, metadata } = this.object;
    return { apiVersion, kind, metadata: metadata.toJson(), spec: asWritten(this.produce()) };
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

/** cdk8s keeps an object's JSON patches to itself; where a version calls them otherwise, the object counts as patched. */
export function patchesOf(object: ApiObject): JsonPatch[] | undefined {
  return (object as any).patches;
}

/** Fields as cdk8s writes them: in order, by the names of the schema, and none without a value. */
function asWritten(value: any): any {
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(asWritten);
  const result: any = {};
  for (const key of Object.keys(value).sort()) {
    if (value[key] !== undefined) result[RENAMED[key] ?? key] = asWritten(value[key]);
  }
  return result;
}
