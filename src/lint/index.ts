/** `cdk8s-istio-egress/lint`: what is wrong with manifests, for tests and tools. */
export { lint, type LintOptions, type LintResult } from './lint';
export type { AcknowledgedFinding, LintFinding, ObjectName } from './finding';
export type { Baseline, BaselineEntry } from './acknowledgements';
export type { Severity } from '../rules';
