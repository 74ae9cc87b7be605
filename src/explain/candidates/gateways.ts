import { tlsPaths } from './destination-rules';
import { set, valueAt } from './edits';
import { Asked, Candidate, nameOf, ofKind, Question } from './question';
import { FieldPath, itemOf, lastOf } from '../../manifests/field-path';
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
  return [...found, ...selectors(question, gateway)];
}

/** Gateways that do not select the pods that the request reaches. */
export function unselected(question: Question): Candidate[] {
  return question.answer.by === 'gateway'
    ? ofKind(question, 'Gateway').flatMap((gateway) => selectors(question, gateway))
    : [];
}

/** A selector for every set of labels that may be those of gateway pods. */
function selectors({ objects, world }: Question, gateway: EgressObject): Candidate[] {
  const known = objects.map(({ manifest }) =>
    manifest?.kind === 'Service'
      ? manifest.spec?.selector
      : manifest?.kind === 'Deployment'
        ? manifest.spec?.template?.metadata?.labels
        : undefined,
  );
  return [...known, ...(world.gateways ?? []).map(({ labels }) => labels)]
    .filter((labels) => labels !== undefined)
    .map((labels) => set(gateway, 'spec.selector', labels, 1.5));
}
