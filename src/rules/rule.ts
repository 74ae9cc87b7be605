import { EgressObject } from '../manifests/egress-object';
import { ManifestIndex } from '../manifests/manifest-index';

/** Something that cannot work, or not as it looks. */
export interface Finding {
  /** The rule's code. */
  readonly code: string;
  /** What is wrong, with the values. */
  readonly message: string;
  /** What to do about it. */
  readonly cure: string;
  /** Every object that takes part. */
  readonly origins: string[];
  /** Where to read more. */
  readonly see?: string;
}

/** What a rule says about one case; code, cure and source are the rule's own unless given. */
export interface Violation {
  readonly message: string;
  readonly objects: readonly EgressObject[];
  readonly cure?: string;
}

/** A pure function over anybody's manifests, with everything that a person needs to understand it. */
export interface Rule {
  /** Kebab-case, stable; also the name of the file. */
  readonly code: string;
  /** One line: what it looks for. */
  readonly title: string;
  /** How Istio behaves, so that this cannot work. */
  readonly reason: string;
  /** What to write instead. */
  readonly cure: string;
  /** YAML that this rule and all others let pass. */
  readonly good: string;
  /** YAML that only this rule stops. */
  readonly bad: string;
  readonly see?: string;
  /** The order of violations, and of the objects in them, must not depend on the order of the manifests. */
  check(index: ManifestIndex): Iterable<Violation>;
}
