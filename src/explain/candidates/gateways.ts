import { tlsPaths } from './destination-rules';
import { set, valueAt } from './edits';
import { Asked, Candidate, nameOf, ofKind, Question } from './question';
import { FieldPath, itemOf, lastOf } from '../../manifests/field-path';
import { selects } from '../../manifests/selectors';
import { EgressObject } from '../../model';

export function forServer(
  question: Question,
  gateway: EgressObject,
  field: FieldPath | undefined,
  { principal }: Asked,
): Candidate[] {
  const found: Candidate[] = [];
  const server = field && itemOf(field, 'servers');
  if (field && lastOf(field) === 'subjectAltNames') {
    const names: string[] = valueAt(gateway.manifest, field) ?? [];
    found.push({
      ...set(gateway, `${field}[${names.length}]`, principal),
      text: `${nameOf(gateway)}: add ${JSON.stringify(principal)} to ${field}`,
    });
  }
  if (server !== undefined) {
    const value = valueAt(gateway.manifest, server);
    found.push(
      ...(value?.hosts ?? []).flatMap((host: string, index: number) =>
        host.includes('/') ? [set(gateway, `${server}.hosts[${index}]`, host.slice(host.indexOf('/') + 1))] : [],
      ),
    );
    for (const protocol of ['HTTP', 'HTTPS', 'TLS', 'TCP']) {
      if (value?.port?.protocol !== protocol) found.push(set(gateway, `${server}.port.protocol`, protocol, 1.2));
    }
    found.push(
      ...ofKind(question, 'DestinationRule').flatMap((rule) =>
        tlsPaths(rule.manifest).flatMap((path) =>
          ((value?.hosts ?? []) as string[])
            .map((host) => host.slice(host.indexOf('/') + 1))
            .filter((host) => host !== '*')
            .map((host) => set(rule, `${path}.sni`, host)),
        ),
      ),
    );
  }
  return [...found, ...selectors(gateway, knownLabels(question))];
}

/** Gateways that select no pods that are known. */
export function unselected(question: Question): Candidate[] {
  if (question.answer.by !== 'gateway') return [];
  const known = knownLabels(question);
  return ofKind(question, 'Gateway')
    .filter(({ manifest }) => !known.some((labels) => selects(manifest.spec?.selector ?? {}, labels)))
    .flatMap((gateway) => selectors(gateway, known));
}

/** A selector for every set of labels that may be those of gateway pods. */
function selectors(gateway: EgressObject, known: readonly Labels[]): Candidate[] {
  return known.map((labels) => set(gateway, 'spec.selector', labels, 1.5));
}

type Labels = Readonly<Record<string, string>>;

/** The sets of labels that may be those of gateway pods. */
function knownLabels({ objects, world }: Question): Labels[] {
  const known = objects.flatMap(({ manifest }): (Labels | undefined)[] =>
    manifest?.kind === 'Service'
      ? [manifest.spec?.selector]
      : manifest?.kind === 'Deployment'
        ? [manifest.spec?.template?.metadata?.labels]
        : [],
  );
  const given = [...(world.gateways ?? []), ...(world.knownGateways ?? [])].map(({ labels }) => labels);
  return [...known, ...given].filter((labels) => labels !== undefined);
}
