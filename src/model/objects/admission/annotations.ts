import { FieldProblem } from './names';
import { DRY_RUN } from '../../../istio/annotations';
import { Manifest } from '../../../manifests/egress-object';

/** By which the webhook tells what istiod itself made, and that nobody else may set. */
const REFUSED = ['parents', 'parent-namespace', 'webhook-always-reject'].map((name) => `internal.istio.io/${name}`);

/** As Go reads them. */
const BOOLEAN = /^([10tTfF]|true|True|TRUE|false|False|FALSE)$/;

/** Why Istio's webhook rejects an object of Istio for its annotations, whatever else it says. */
export function annotationProblem({ apiVersion, kind, metadata, spec }: Manifest): FieldProblem | undefined {
  if (!/^(networking|security|telemetry|extensions)\.istio\.io\//.test(apiVersion)) return undefined;
  const { annotations = {} } = metadata;
  const problem = (name: string, text: string): FieldProblem => ({
    field: `metadata.annotations["${name}"]`,
    problem: text,
  });
  const refused = REFUSED.find((name) => annotations?.[name] !== undefined);
  if (refused !== undefined) return problem(refused, "is istiod's own");
  const dryRun = annotations?.[DRY_RUN];
  if (dryRun === undefined) return undefined;
  if (kind !== 'AuthorizationPolicy') return problem(DRY_RUN, 'is for AuthorizationPolicies only');
  const { action = 'ALLOW' } = (spec ?? {}) as { readonly action?: string };
  if (!['ALLOW', 'DENY'].includes(action)) return problem(DRY_RUN, 'is for action ALLOW and DENY only');
  return BOOLEAN.test(String(dryRun)) ? undefined : problem(DRY_RUN, `"${dryRun}" is neither true nor false`);
}
