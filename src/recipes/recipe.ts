import { ApiObject, ApiObjectMetadata, GroupVersionKind } from 'cdk8s';
import { Construct } from 'constructs';

/**
 * When an object is applied, compared with the others on its side of a construct: first those of rank `FIRST` for all
 * hosts, then the others host by host.
 */
export enum Rank {
  /** What routes rely on: rules, policies, private names. In force before anything is routed. */
  FIRST,
  /** What the route of the same host relies on. */
  BASE,
  /** What switches calls to the new path. */
  ROUTE,
  /** What would take calls from a path that is in use, if it came before the route. */
  AFTER_ROUTE,
  /** What lets calls in at a gateway; what closes every path that is not declared. */
  LAST,
}

/** In whose namespace an object is: that of the gateway, or that of the callers. */
export type Side = 'gateway' | 'caller';

/** A generated class of imports/. */
export interface GeneratedClass {
  readonly GVK: GroupVersionKind;
  /** Each class has a type of its own for its props. */
  new (scope: Construct, id: string, props: never): ApiObject;
}

/** A generated class of imports/, or the kind of a Kubernetes object. */
export type ObjectKind = GeneratedClass | GroupVersionKind;

/** What a kind is called in manifests. */
export function groupVersionKind(kind: ObjectKind): GroupVersionKind {
  return 'GVK' in kind ? kind.GVK : kind;
}

/** One object of a recipe. A recipe is a pure function from a declaration to the objects of one egress path. */
export interface RecipeObject {
  /** The id of the construct, unique on its side of the construct that declares it. */
  readonly id: string;
  readonly kind: ObjectKind;
  readonly side: Side;
  readonly rank: Rank;
  readonly metadata: ApiObjectMetadata & { readonly name: string; readonly namespace?: string };
  /** Whether other declarations of the app have this object too. The first one to be emitted has it for all. */
  readonly shared?: boolean;
  /** The fields of a Kubernetes object that has no spec. */
  readonly fields?: object;
  /** The spec as plain data. Called at synth, when every declaration is known. */
  readonly spec?: () => object;
}
