import { isIP } from 'net';
import { changeSpec, newRule, remove, set, valueAt } from './edits';
import { hopOf } from './hops';
import { Asked, Candidate, find, NEW_OBJECT, Question, appliesTo } from './question';
import { fullHost, isWildcard } from '../../istio/hosts';
import { isHttp, portsOf } from '../../istio/protocols';
import { serviceOfHost } from '../../istio/service-names';
import { FieldPath, upTo } from '../../manifests/field-path';
import { IstioObject, nameOf } from '../../manifests/indexed';
import { hopsOf } from '../../manifests/routes';
import { IstioSpecs, TlsSettings, TrafficPolicy } from '../../manifests/specs';
import { withoutNamespace } from '../../manifests/servers';
import { labelsOf } from '../../model/requests/request';

type Rule = IstioObject<'DestinationRule'>;

export function forTls(question: Question, rule: Rule, field: FieldPath | undefined, { host }: Asked): Candidate[] {
  const path = field && upTo(field, 'tls');
  if (path === undefined) return [];
  const tls = valueAt<TlsSettings>(rule, path);
  // The mutual TLS of a hop tells the gateway who calls.
  const isHop = hopOf(rule, rule.spec.host) !== undefined;
  const found: Candidate[] = [
    set(rule, `${path}.subjectAltNames`, [host]),
    ...(tls?.mode === 'SIMPLE'
      ? [set(rule, `${path}.mode`, 'ISTIO_MUTUAL')]
      : isHop
        ? []
        : [{ ...set(rule, `${path}.mode`, 'SIMPLE'), weakens: 'the client certificate is no longer presented' }]),
    remove(rule, path, 'the request then leaves without this TLS'),
    { ...set(rule, `${path}.caCertificates`, 'system'), size: 1.1 },
  ];
  for (const other of ['caCertificates', 'subjectAltNames', 'sni', 'credentialName'] as const) {
    if (tls?.[other] !== undefined) found.push(remove(rule, `${path}.${other}`));
  }
  for (const secret of question.world.secrets ?? []) {
    found.push({ ...set(rule, `${path}.credentialName`, secret.name), size: 1 });
    found.push({
      text: `${nameOf(rule)}: set ${path} to mode MUTUAL with credentialName "${secret.name}"`,
      size: 2,
      edits: set(rule, path, {
        ...tls,
        mode: 'MUTUAL',
        credentialName: secret.name,
        caCertificates: undefined,
      }).edits.map((edit) => ({ ...edit, field: undefined })),
    });
  }
  for (const gateway of question.index.ofKind('Gateway')) {
    for (const server of gateway.spec.servers ?? []) {
      for (const name of server.hosts ?? [])
        if (!name.endsWith('*')) found.push(set(rule, `${path}.sni`, withoutNamespace(name)));
    }
  }
  found.push(...namesOfEndpoint(question, rule, path), ...inSubset(question, rule, path));
  // TLS for all ports, where only plain HTTP should get it: moved to the HTTP port.
  if (path === 'spec.trafficPolicy.tls') {
    const ports = question.index.ofKind('ServiceEntry').flatMap((entry) => portsOf(entry));
    for (const port of new Set(ports.filter(({ protocol }) => isHttp(protocol)).map(({ number }) => number))) {
      found.push({
        text: `${nameOf(rule)}: move spec.trafficPolicy.tls to spec.trafficPolicy.portLevelSettings for port ${port}`,
        size: 2,
        edits: [
          changeSpec(rule, (spec) => {
            const { tls: moved, portLevelSettings = [], ...rest } = spec.trafficPolicy ?? {};
            const settings = [...portLevelSettings, { port: { number: port }, tls: moved }];
            return { ...spec, trafficPolicy: { ...rest, portLevelSettings: settings } };
          }),
        ],
      });
    }
  }
  return found;
}

/** An entry that leads to another name gets that host's certificate: it is asked for, and expected. */
function namesOfEndpoint({ index }: Question, rule: Rule, path: FieldPath): Candidate[] {
  const host = fullHost(rule.spec.host ?? '', rule);
  const names = index
    .ofKind('ServiceEntry')
    .filter(({ spec }) => spec.hosts?.includes(host))
    .flatMap(({ spec }) => (spec.endpoints ?? []).flatMap(({ address }) => address ?? []))
    .filter((address) => address.includes('.') && isIP(address) === 0);
  return [...new Set(names)].map((name) => ({
    text: `${nameOf(rule)}: set ${path}.sni to ${JSON.stringify(name)} and ${path}.subjectAltNames to ["${name}"]`,
    // Where the entry leads is meant: less than another endpoint.
    size: 1.4,
    edits: [...set(rule, `${path}.sni`, name).edits, ...set(rule, `${path}.subjectAltNames`, [name]).edits],
  }));
}

/** TLS that a port adds to every connection, moved to a subset that only the routes for HTTP name. */
function inSubset({ index }: Question, rule: Rule, path: FieldPath): Candidate[] {
  const [, at] = /^spec\.trafficPolicy(?:\.portLevelSettings\[(\d+)\])?\.tls$/.exec(path) ?? [];
  if (!path.startsWith('spec.trafficPolicy.')) return [];
  const settings = at === undefined ? undefined : rule.spec.trafficPolicy?.portLevelSettings?.[Number(at)];
  const host = fullHost(rule.spec.host ?? '', rule);
  const isTaken = rule.spec.subsets?.some(({ name }) => name === 'tls');
  const subset = isTaken ? 'tls-origination' : 'tls';
  const routed = index
    .ofKind('VirtualService')
    .flatMap((routes) =>
      (routes.spec.http ?? []).flatMap((http, position) =>
        (http.route ?? []).flatMap(({ destination }, to) =>
          destination?.host &&
          fullHost(destination.host, routes) === host &&
          destination.subset === undefined &&
          (settings === undefined || destination.port?.number === settings.port?.number)
            ? [set(routes, `spec.http[${position}].route[${to}].destination.subset`, subset)]
            : [],
        ),
      ),
    );
  if (routed.length === 0) return [];
  const move = ({ trafficPolicy = {}, ...spec }: IstioSpecs['DestinationRule']): IstioSpecs['DestinationRule'] => {
    const [left, moved] =
      settings === undefined ? withoutTls(trafficPolicy) : withoutPortTls(trafficPolicy, Number(at));
    return {
      ...spec,
      ...(Object.keys(left).length > 0 && { trafficPolicy: left }),
      subsets: [...(spec.subsets ?? []), { name: subset, trafficPolicy: moved }],
    };
  };
  return [
    {
      text: [
        `${nameOf(rule)}: move ${path} to a subset "${subset}", for the routes that need it`,
        ...routed.map(({ text }) => text),
      ].join('\n'),
      size: 2 + routed.length,
      edits: [changeSpec(rule, move, path), ...routed.flatMap(({ edits }) => edits)],
    },
  ];
}

/** A policy in two: without its TLS settings, and with nothing else. */
function withoutTls({ tls, ...left }: TrafficPolicy): readonly [TrafficPolicy, TrafficPolicy] {
  return [left, { tls }];
}

/** The same with the TLS settings of a port. Istio refuses settings of a port that set nothing. */
function withoutPortTls(
  { portLevelSettings = [], ...policy }: TrafficPolicy,
  at: number,
): readonly [TrafficPolicy, TrafficPolicy] {
  const { tls, port, ...others } = portLevelSettings[at];
  const own = Object.keys(others).length > 0 ? [{ port, ...others }] : [];
  const left = [...portLevelSettings.slice(0, at), ...own, ...portLevelSettings.slice(at + 1)];
  return [{ ...policy, ...(left.length > 0 && { portLevelSettings: left }) }, { portLevelSettings: [{ port, tls }] }];
}

/** Clear text where the host expects TLS: the TLS settings that a port lacks, in an existing rule or in a new one. */
export function missingTls(question: Question): Candidate[] {
  const { answer, caller, index } = question;
  if (!answer.plaintextToHost || answer.outcome === 'answered') return [];
  const rules = index.ofKind('DestinationRule');
  return index.ofKind('ServiceEntry').flatMap((entry) =>
    portsOf(entry)
      .filter(({ protocol }) => isHttp(protocol) || protocol === 'TLS' || protocol === 'HTTPS')
      .flatMap((port) =>
        (entry.spec.hosts ?? []).flatMap((host): Candidate[] => {
          // Where sni is set, a proxy verifies the name only if subjectAltNames lists it.
          const tls: TlsSettings = { mode: 'SIMPLE', ...(!isWildcard(host) && { sni: host, subjectAltNames: [host] }) };
          const settings = { port: { number: port.number }, tls };
          const existing = rules
            .filter(({ spec }) => spec.host === host)
            .map((rule) => {
              const { length } = rule.spec.trafficPolicy?.portLevelSettings ?? [];
              return set(rule, `spec.trafficPolicy.portLevelSettings[${length}]`, settings, 2);
            });
          const own = entry.namespace;
          const name = `${host.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}-tls`;
          const follower = answer.gateway?.split('/')[0] ?? caller.namespace;
          const { exportTo } = entry.spec;
          return [
            ...existing,
            newRule(own, name, {
              host,
              ...(exportTo && { exportTo }),
              trafficPolicy: { portLevelSettings: [settings] },
            }),
            // A rule in the proxy's own namespace takes precedence over one in the entry's.
            ...(follower === own
              ? []
              : [
                  newRule(
                    follower,
                    name,
                    { host, exportTo: ['.'], trafficPolicy: { portLevelSettings: [settings] } },
                    NEW_OBJECT + 1,
                  ),
                ]),
          ];
        }),
      ),
  );
}

/** Settings that a sidecar ignores unless the rule has a workloadSelector. */
export function ignoredCredential(question: Question): Candidate[] {
  const { answer, caller } = question;
  return answer.remarks
    .filter(({ code }) => code === 'ignored-credential')
    .flatMap(({ decidedBy }) => decidedBy)
    .flatMap((ref) => {
      const rule = find(question.index, ref);
      return rule ? [set(rule, 'spec.workloadSelector', { matchLabels: labelsOf(caller) })] : [];
    });
}

/** A rule moved to where proxies look for it: the namespace of its Service, to which routes for the host lead. */
export function misplacedRules({ index }: Question, { host }: Asked): Candidate[] {
  const routes = index.ofKind('VirtualService').filter((object) => appliesTo(object, host));
  const destinations = new Set(routes.flatMap((object) => hopsOf(object).map((hop) => hop.host)));
  return index.ofKind('DestinationRule').flatMap((rule) => {
    const destination = fullHost(rule.spec.host ?? '', rule);
    const { namespace } = serviceOfHost(destination, index.clusterDomain) ?? {};
    if (!destinations.has(destination) || namespace === undefined || namespace === rule.namespace) return [];
    return [
      {
        ...set(rule, 'metadata.namespace', namespace, 1.5),
        text: `${nameOf(rule)}: move it to namespace ${namespace}, where its Service is`,
      },
    ];
  });
}
