import { EgressObject } from '../manifests/egress-object';
import { ManifestIndex } from '../manifests/manifest-index';

/** A configuration that does not work, or not as it appears to. */
export interface Finding {
  /** The rule's code. */
  readonly code: string;
  /** What is wrong, with the values. */
  readonly message: string;
  /** What to do about it. */
  readonly cure: string;
  /** Every object involved. */
  readonly origins: string[];
  /** Where to read more. */
  readonly see?: string;
}

/** One violation of a rule; the cure is the rule's own unless given. */
export interface Violation {
  readonly message: string;
  readonly objects: readonly EgressObject[];
  readonly cure?: string;
}

/** A check of manifests by any author, and the text that explains it. */
export interface Rule {
  /** Stable, in kebab case; also the name of the file. */
  readonly code: string;
  /** One line: what it looks for. */
  readonly title: string;
  /** The behaviour of Istio that makes this fail. */
  readonly reason: string;
  /** What to write instead. */
  readonly cure: string;
  /** YAML without findings from any rule. */
  readonly good: string;
  /** YAML with findings from this rule only. */
  readonly bad: string;
  readonly see?: string;
  /** The order of the objects in a violation must not depend on the order of the manifests. */
  check(index: ManifestIndex): Iterable<Violation>;
}
