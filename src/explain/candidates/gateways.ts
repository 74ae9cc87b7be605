import { set, valueAt } from './edits';
import { toServer } from './hops';
import { Asked, Candidate, Question } from './question';
import { isWildcard } from '../../istio/hosts';
import { podTemplateOf } from '../../istio/pod-templates';
import { FieldPath, itemOf, lastOf } from '../../manifests/field-path';
import { selects, Labels } from '../../manifests/selectors';
import { IstioObject, nameOf } from '../../manifests/indexed';
import { fieldOf, tlsPlaces } from '../../manifests/tls';
import { Server, ServiceSpec } from '../../manifests/specs';
import { withoutNamespace } from '../../manifests/servers';
import { labelsOf } from '../../model/objects/gateways/standard';

export function forServer(
  question: Question,
  gateway: IstioObject<'Gateway'>,
  field: FieldPath | undefined,
  { host, principal }: Asked,
): Candidate[] {
  const found: Candidate[] = [];
  const server = field && itemOf(field, 'servers');
  if (field && lastOf(field) === 'subjectAltNames') {
    const names = valueAt<readonly string[]>(gateway, field) ?? [];
    found.push({
      ...set(gateway, `${field}[${names.length}]`, principal),
      text: `${nameOf(gateway)}: add ${JSON.stringify(principal)} to ${field}`,
    });
  }
  if (server !== undefined) {
    const value = valueAt<Server>(gateway, server);
    found.push(
      ...(value?.hosts ?? []).flatMap((one, index) => {
        const name = withoutNamespace(one);
        return name === one ? [] : [set(gateway, `${server}.hosts[${index}]`, name, isWildcard(name) ? 1.1 : 1)];
      }),
    );
    const hosts = value?.hosts ?? [];
    if (!hosts.includes(host)) found.push(set(gateway, `${server}.hosts[${hosts.length}]`, host));
    for (const protocol of ['HTTP', 'HTTPS', 'TLS', 'TCP']) {
      if (value?.port?.protocol !== protocol) found.push(set(gateway, `${server}.port.protocol`, protocol, 1.2));
    }
    found.push(
      ...question.index.ofKind('DestinationRule').flatMap((rule) =>
        tlsPlaces(rule).flatMap((place) =>
          (value?.hosts ?? [])
            .map(withoutNamespace)
            .filter((one) => one !== '*')
            .map((one) => set(rule, `${fieldOf(place)}.sni`, one)),
        ),
      ),
    );
  }
  return [...found, ...toServer(question, gateway), ...selectors(gateway, knownLabels(question))];
}

/** Gateways that select no pods that are known. */
export function unselected(question: Question): Candidate[] {
  if (question.answer.by !== 'gateway') return [];
  const known = knownLabels(question);
  return question.index
    .ofKind('Gateway')
    .filter(({ spec }) => !known.some((labels) => selects(spec.selector, labels)))
    .flatMap((gateway) => selectors(gateway, known));
}

/** A selector for every set of labels that may be those of gateway pods. */
function selectors(gateway: IstioObject<'Gateway'>, known: readonly Labels[]): Candidate[] {
  return known.map((labels) => set(gateway, 'spec.selector', labels, 1.5));
}

/** The sets of labels that may be those of gateway pods. */
function knownLabels({ index, world }: Question): Labels[] {
  const known = index.kinds
    .flat()
    .map(({ kind, manifest, spec }): Labels | undefined =>
      kind === 'Service'
        ? (spec as ServiceSpec).selector
        : kind === 'Deployment'
          ? podTemplateOf(manifest)?.metadata?.labels
          : undefined,
    );
  const given = [...(world.gateways ?? []).map(({ labels }) => labels), ...(world.knownGateways ?? []).map(labelsOf)];
  return [...known, ...given].filter((labels) => labels !== undefined);
}
