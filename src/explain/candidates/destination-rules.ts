import { isIP } from 'net';
import { remove, set, valueAt } from './edits';
import { hopOf } from './hops';
import { Asked, Candidate, find, nameOf, NEW_OBJECT, ofKind, Question, appliesTo } from './question';
import { fullHost, isWildcard } from '../../istio/hosts';
import { isHttp } from '../../istio/protocols';
import { serviceOfHost } from '../../istio/service-names';
import { FieldPath, upTo } from '../../manifests/field-path';
import { Indexed } from '../../manifests/indexed';
import { hopsOf } from '../../manifests/routes';
import { EgressObject } from '../../model';
import { namespaceOf, placeOf } from '../manifest';
import { yamlLines } from '../yaml-lines';

export function forTls(
  question: Question,
  rule: EgressObject,
  field: FieldPath | undefined,
  { host }: Asked,
): Candidate[] {
  const path = field && upTo(field, 'tls');
  if (path === undefined) return [];
  const tls = valueAt(rule.manifest, path);
  // The mutual TLS of a hop tells the gateway who calls.
  const isHop = hopOf(question, rule, rule.manifest.spec?.host) !== undefined;
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
  for (const other of ['caCertificates', 'subjectAltNames', 'sni', 'credentialName']) {
    if (tls?.[other] !== undefined) found.push(remove(rule, `${path}.${other}`));
  }
  for (const secret of question.world.secrets ?? []) {
    found.push({ ...set(rule, `${path}.credentialName`, secret.name), size: 1 });
    found.push({
      text: `${nameOf(rule)}: set ${path} to mode MUTUAL with credentialName "${secret.name}"`,
      size: 2,
      edits: [
        {
          object: rule,
          change: (manifest) =>
            Object.assign(valueAt(manifest, path), {
              mode: 'MUTUAL',
              credentialName: secret.name,
              caCertificates: undefined,
            }),
        },
      ],
    });
  }
  for (const gateway of ofKind(question, 'Gateway')) {
    for (const server of gateway.manifest.spec?.servers ?? []) {
      for (const name of server.hosts ?? [])
        if (!name.endsWith('*')) found.push(set(rule, `${path}.sni`, name.slice(name.indexOf('/') + 1)));
    }
  }
  found.push(...namesOfEndpoint(question, rule, path), ...inSubset(question, rule, path));
  // TLS for all ports, where only plain HTTP should get it: moved to the HTTP port.
  if (path === 'spec.trafficPolicy.tls') {
    for (const port of new Set(
      ofKind(question, 'ServiceEntry').flatMap(({ manifest }) =>
        (manifest.spec?.ports ?? []).filter((one: any) => isHttp(one.protocol)).map((one: any) => one.number),
      ),
    )) {
      found.push({
        text: `${nameOf(rule)}: move spec.trafficPolicy.tls to spec.trafficPolicy.portLevelSettings for port ${port}`,
        size: 2,
        edits: [
          {
            object: rule,
            change: (manifest) => {
              const { tls: moved, ...rest } = manifest.spec.trafficPolicy;
              manifest.spec.trafficPolicy = {
                ...rest,
                portLevelSettings: [...(rest.portLevelSettings ?? []), { port: { number: port }, tls: moved }],
              };
            },
          },
        ],
      });
    }
  }
  return found;
}

/** An entry that leads to another name gets that host's certificate: it is asked for, and expected. */
function namesOfEndpoint(question: Question, rule: EgressObject, path: FieldPath): Candidate[] {
  const host = fullHost(rule.manifest.spec?.host ?? '', placeOf(rule.manifest, question.world));
  const names = ofKind(question, 'ServiceEntry')
    .filter(({ manifest }) => manifest.spec?.hosts?.includes(host))
    .flatMap(({ manifest }) => (manifest.spec.endpoints ?? []).map(({ address }: any) => address))
    .filter((address) => typeof address === 'string' && address.includes('.') && isIP(address) === 0);
  return [...new Set<string>(names)].map((name) => ({
    text: `${nameOf(rule)}: set ${path}.sni to ${JSON.stringify(name)} and ${path}.subjectAltNames to ["${name}"]`,
    // Where the entry leads is meant: less than another endpoint.
    size: 1.4,
    edits: [...set(rule, `${path}.sni`, name).edits, ...set(rule, `${path}.subjectAltNames`, [name]).edits],
  }));
}

/** TLS that a port adds to every connection, moved to a subset that only the routes for HTTP name. */
function inSubset(question: Question, rule: EgressObject, path: FieldPath): Candidate[] {
  const [, at] = /^spec\.trafficPolicy(?:\.portLevelSettings\[(\d+)\])?\.tls$/.exec(path) ?? [];
  if (!path.startsWith('spec.trafficPolicy.')) return [];
  const policy = rule.manifest.spec.trafficPolicy;
  const settings = at === undefined ? undefined : policy.portLevelSettings[Number(at)];
  const host = fullHost(rule.manifest.spec.host, placeOf(rule.manifest, question.world));
  const taken = ((rule.manifest.spec.subsets ?? []) as any[]).map(({ name }) => name);
  const subset = taken.includes('tls') ? 'tls-origination' : 'tls';
  const routed = ofKind(question, 'VirtualService').flatMap((routes) =>
    ((routes.manifest.spec?.http ?? []) as any[]).flatMap((http, index) =>
      ((http.route ?? []) as any[]).flatMap(({ destination }, to) =>
        destination?.host &&
        fullHost(destination.host, placeOf(routes.manifest, question.world)) === host &&
        destination.subset === undefined &&
        (settings === undefined || destination.port?.number === settings.port?.number)
          ? [set(routes, `spec.http[${index}].route[${to}].destination.subset`, subset)]
          : [],
      ),
    ),
  );
  if (routed.length === 0) return [];
  const change = (manifest: any) => {
    const { trafficPolicy } = manifest.spec;
    const owner = settings === undefined ? trafficPolicy : trafficPolicy.portLevelSettings[Number(at)];
    const { tls } = owner;
    delete owner.tls;
    const moved = settings === undefined ? { tls } : { portLevelSettings: [{ port: settings.port, tls }] };
    manifest.spec.subsets = [...(manifest.spec.subsets ?? []), { name: subset, trafficPolicy: moved }];
    // Istio refuses settings of a port that set nothing.
    if (settings !== undefined && Object.keys(owner).length === 1)
      trafficPolicy.portLevelSettings.splice(Number(at), 1);
    if (trafficPolicy.portLevelSettings?.length === 0) delete trafficPolicy.portLevelSettings;
    if (Object.keys(trafficPolicy).length === 0) delete manifest.spec.trafficPolicy;
  };
  return [
    {
      text: [
        `${nameOf(rule)}: move ${path} to a subset "${subset}", for the routes that need it`,
        ...routed.map(({ text }) => text),
      ].join('\n'),
      size: 2 + routed.length,
      edits: [{ object: rule, field: path, change }, ...routed.flatMap(({ edits }) => edits)],
    },
  ];
}

/** Clear text where the host expects TLS: the TLS settings that a port lacks, in an existing rule or in a new one. */
export function missingTls(question: Question): Candidate[] {
  const { answer, caller } = question;
  if (!answer.plaintextToHost || answer.outcome === 'answered') return [];
  const rules = ofKind(question, 'DestinationRule');
  return ofKind(question, 'ServiceEntry').flatMap(({ manifest: entry }) =>
    ((entry.spec?.ports ?? []) as any[])
      .filter(({ protocol }) => isHttp(protocol) || protocol === 'TLS' || protocol === 'HTTPS')
      .flatMap((port) =>
        (entry.spec.hosts as string[]).flatMap((host): Candidate[] => {
          // Where sni is set, a proxy verifies the name only if subjectAltNames lists it.
          const tls = { mode: 'SIMPLE', ...(!isWildcard(host) && { sni: host, subjectAltNames: [host] }) };
          const settings = { port: { number: port.number }, tls };
          const existing = rules
            .filter(({ manifest }) => manifest.spec?.host === host)
            .map((rule) => {
              const { length = 0 } = rule.manifest.spec.trafficPolicy?.portLevelSettings ?? {};
              return set(rule, `spec.trafficPolicy.portLevelSettings[${length}]`, settings, 2);
            });
          const own = namespaceOf(entry);
          const follower = answer.gateway?.split('/')[0] ?? caller.namespace;
          const { exportTo } = entry.spec;
          return [
            ...existing,
            newRule(own, { host, ...(exportTo && { exportTo }), trafficPolicy: { portLevelSettings: [settings] } }),
            // A rule in the proxy's own namespace takes precedence over one in the entry's.
            ...(follower === own
              ? []
              : [
                  newRule(
                    follower,
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
  const labels = caller.labels ?? { app: caller.name ?? caller.serviceAccount };
  return answer.remarks
    .filter(({ code }) => code === 'ignored-credential')
    .flatMap(({ decidedBy }) => decidedBy)
    .flatMap((ref) => {
      const rule = find(question, ref);
      return rule ? [set(rule, 'spec.workloadSelector', { matchLabels: labels })] : [];
    });
}

/** A rule moved to where proxies look for it: the namespace of its Service, to which routes for the host lead. */
export function misplacedRules(question: Question, { host }: Asked): Candidate[] {
  const routes = ofKind(question, 'VirtualService').filter(({ manifest }) => appliesTo(manifest, host));
  const destinations = new Set(
    routes.flatMap((object) =>
      hopsOf(
        new Indexed(
          object,
          'VirtualService',
          namespaceOf(object.manifest),
          object.manifest.metadata.name,
          object.manifest.spec ?? {},
          question.world.mesh?.clusterDomain,
        ),
      ).map((hop) => hop.host),
    ),
  );
  return ofKind(question, 'DestinationRule')
    .filter(({ manifest }) => destinations.has(fullHost(manifest.spec?.host ?? '', placeOf(manifest, question.world))))
    .flatMap((rule) => {
      const { namespace } =
        serviceOfHost(
          fullHost(rule.manifest.spec?.host ?? '', placeOf(rule.manifest, question.world)),
          question.world.mesh?.clusterDomain,
        ) ?? {};
      if (namespace === undefined || namespace === namespaceOf(rule.manifest)) return [];
      return [
        {
          ...set(rule, 'metadata.namespace', namespace, 1.5),
          text: `${nameOf(rule)}: move it to namespace ${namespace}, where its Service is`,
        },
      ];
    });
}

export function tlsPaths(manifest: any): FieldPath[] {
  const paths: FieldPath[] = [];
  const policy = (value: any, at: FieldPath) => {
    if (value?.tls) paths.push(`${at}.tls`);
    (value?.portLevelSettings ?? []).forEach(
      (port: any, index: number) => port.tls && paths.push(`${at}.portLevelSettings[${index}].tls`),
    );
  };
  policy(manifest.spec?.trafficPolicy, 'spec.trafficPolicy');
  (manifest.spec?.subsets ?? []).forEach((subset: any, index: number) =>
    policy(subset.trafficPolicy, `spec.subsets[${index}].trafficPolicy`),
  );
  return paths;
}

function newRule(namespace: string, spec: any, size = NEW_OBJECT): Candidate {
  const name = `${spec.host.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}-tls`;
  const rule = { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name, namespace }, spec };
  return {
    text: [`add DestinationRule ${namespace}/${name}:`, ...yamlLines(rule).map((line) => `  ${line}`)].join('\n'),
    size,
    edits: [],
    added: [rule],
  };
}
