import { isIP } from 'net';
import type { Wanted } from './changes';
import { yamlLines } from './yaml-lines';
import { fullHost, isWildcard } from '../manifests/hosts';
import { isHttp } from '../manifests/protocols';
import { Answer, Decider, EgressObject, ModelCaller, ModelRequest, World } from '../model';

export interface Question {
  readonly objects: readonly EgressObject[];
  readonly world: World;
  readonly caller: ModelCaller;
  readonly request: ModelRequest;
  readonly answer: Answer;
  readonly wanted: Wanted;
}

/** A change that might help. */
export interface Candidate {
  /** Object, field and value, for a person. */
  readonly text: string;
  /** How many fields of how many objects; new objects count for more. */
  readonly size: number;
  readonly edits: readonly { readonly object: EgressObject; readonly change: (manifest: any) => void }[];
  readonly added?: readonly any[];
  /** What it gives up: said with it, and proposed only where nothing else helps. */
  readonly weakens?: string;
}

interface Asked {
  readonly host: string;
  readonly port: number;
  readonly scheme: 'http' | 'https' | 'tcp';
  readonly principal: string;
}

const NEW_OBJECT = 5;

/** Changes worth trying, by what decided the answer. Which of them help, the model says. */
export function candidates(question: Question): Candidate[] {
  const { request, caller, world } = question;
  const url = new URL(request.url.replace(/^tcp:/, 'http:'));
  const scheme = request.url.startsWith('tcp:') ? 'tcp' : url.protocol === 'https:' ? 'https' : 'http';
  const asked: Asked = {
    host: url.hostname,
    scheme,
    port: Number(url.port) || (scheme === 'https' ? 443 : 80),
    principal: `spiffe://${world.mesh?.trustDomain ?? 'cluster.local'}/ns/${caller.namespace}/sa/${caller.serviceAccount}`,
  };
  return [
    ...undeclared(question, asked),
    ...question.answer.causes.flatMap(cause => forCause(question, asked, cause)),
    ...invisible(question),
    ...unboundRoutes(question, asked),
    ...missingTls(question),
    ...ignoredCredential(question),
    ...misplacedRules(question),
    ...unreadSections(question),
  ];
}

const nameOf = ({ manifest }: EgressObject) => `${manifest.kind} ${namespaceOf(manifest)}/${manifest.metadata.name}`;
const namespaceOf = (manifest: any): string => manifest.metadata.namespace ?? 'default';

function ofKind({ objects }: Question, kind: string): EgressObject[] {
  return objects.filter(({ manifest }) => manifest?.kind === kind && /\.istio\.io\//.test(manifest.apiVersion));
}

function find(question: Question, { kind, namespace, name }: Decider): EgressObject | undefined {
  return question.objects.find(({ manifest }) => manifest?.kind === kind && manifest.metadata?.name === name && namespaceOf(manifest) === namespace);
}

/** One value set at a path. */
function set(object: EgressObject, path: string, value: unknown, size = 1): Candidate {
  return {
    text: `${nameOf(object)}: set ${path} to ${JSON.stringify(value)}`,
    size,
    edits: [{ object, change: manifest => write(manifest, path, value) }],
  };
}

function write(manifest: any, path: string, value: unknown): void {
  const keys = path.split(/[.[\]]+/).filter(key => key !== '').map(key => /^\d+$/.test(key) ? Number(key) : key);
  let at = manifest;
  keys.slice(0, -1).forEach((key, index) => {
    at[key] ??= typeof keys[index + 1] === 'number' ? [] : {};
    at = at[key];
  });
  const last = keys[keys.length - 1];
  if (value === undefined) {
    if (Array.isArray(at)) at.splice(last as number, 1);
    else delete at[last];
  } else {
    at[last] = value;
  }
}

export function valueAt(manifest: any, path: string): any {
  return path.split(/[.[\]]+/).filter(key => key !== '').reduce((at, key) => at?.[key], manifest);
}

/** A host or port that nobody declares for the caller, or declares wrongly. */
function undeclared(question: Question, { host, port, scheme }: Asked): Candidate[] {
  const { answer, caller } = question;
  if (answer.by !== 'sidecar' && answer.way !== 'passthrough') return [];
  const found: Candidate[] = [];
  const protocol = scheme === 'https' ? 'TLS' : scheme === 'http' ? 'HTTP' : 'TCP';
  const entries = ofKind(question, 'ServiceEntry')
    .filter(({ manifest }) => (manifest.spec?.hosts ?? []).some((one: string) => one === host || (isWildcard(one) && host.endsWith(one.slice(1)))));
  for (const entry of entries) {
    const ports: any[] = entry.manifest.spec.ports ?? [];
    const index = ports.findIndex(one => one.number === port);
    if (index < 0) found.push(set(entry, `spec.ports[${ports.length}]`, { number: port, name: `${protocol.toLowerCase()}-${port}`, protocol }, 2));
    else if (ports[index].protocol !== protocol) found.push(set(entry, `spec.ports[${index}].protocol`, protocol));
    for (const sidecar of ofKind(question, 'Sidecar')) {
      const egress: any[] = sidecar.manifest.spec?.egress ?? [];
      if (egress.length > 0) {
        found.push(set(sidecar, `spec.egress[${egress.length - 1}].hosts[${egress[egress.length - 1].hosts?.length ?? 0}]`,
          `${namespaceOf(entry.manifest)}/${host}`));
      }
    }
  }
  if (entries.length === 0 && scheme !== 'tcp' && isIP(host) === 0) {
    const spec = {
      hosts: [host],
      exportTo: ['.'],
      location: 'MESH_EXTERNAL',
      resolution: 'DNS',
      ports: [{ number: port, name: `${protocol.toLowerCase()}-${port}`, protocol }],
    };
    found.push({
      text: `add ServiceEntry ${caller.namespace}/${host.replace(/[^a-z0-9]+/g, '-')} with spec ${JSON.stringify(spec)}`,
      size: NEW_OBJECT,
      edits: [],
      added: [{
        apiVersion: 'networking.istio.io/v1',
        kind: 'ServiceEntry',
        metadata: { name: host.replace(/[^a-z0-9]+/g, '-'), namespace: caller.namespace },
        spec,
      }],
    });
  }
  return found;
}

/** Objects that would help if the proxies on the way saw them. */
function invisible(question: Question): Candidate[] {
  const { answer, caller } = question;
  const gateway = answer.gateway?.split('/')[0];
  const places = [...new Set([caller.namespace, ...(gateway ? [gateway] : [])])];
  return ['ServiceEntry', 'VirtualService', 'DestinationRule'].flatMap(kind => ofKind(question, kind)).flatMap(object => {
    const exportTo: string[] | undefined = object.manifest.spec?.exportTo;
    const own = namespaceOf(object.manifest);
    if (!exportTo?.length || exportTo.includes('*')) return [];
    return places.filter(place => !exportTo.includes(place) && !(place === own && exportTo.includes('.')))
      .map(place => set(object, 'spec.exportTo', [...exportTo.filter(item => item !== '~'), place]));
  });
}

function forCause(question: Question, asked: Asked, cause: Decider): Candidate[] {
  const object = find(question, cause);
  const field = cause.field ?? '';
  if (!object) return [];
  if (field.endsWith('.subset')) return forSubset(question, object, field);
  if (field.endsWith('.destination') || field.endsWith('.destination.port')) return forDestination(question, object, field.replace(/\.port$/, ''));
  switch (cause.kind) {
    case 'Gateway': return forServer(question, object, field, asked);
    case 'DestinationRule': return forTls(question, object, field, asked);
    case 'ServiceEntry': return forEntry(object, asked);
    case 'AuthorizationPolicy': return forPolicy(object, field, asked);
    case 'NetworkPolicy': return forNetworkPolicy(object, asked);
    case 'VirtualService': return forRoute(object, field);
    default: return [];
  }
}

function forSubset(question: Question, object: EgressObject, field: string): Candidate[] {
  const destination = valueAt(object.manifest, field.replace(/\.subset$/, ''));
  const host = fullHost(destination.host, namespaceOf(object.manifest));
  const rules = ofKind(question, 'DestinationRule')
    .filter(({ manifest }) => manifest.spec?.host && fullHost(manifest.spec.host, namespaceOf(manifest)) === host);
  return [
    ...rules.flatMap(({ manifest }) => (manifest.spec.subsets ?? []).map((subset: any) => set(object, field, subset.name))),
    ...rules.map(rule => set(rule, `spec.subsets[${(rule.manifest.spec.subsets ?? []).length}]`, { name: destination.subset }, 2)),
    { ...set(object, field, undefined), text: `${nameOf(object)}: remove ${field}`, size: 1.5 },
  ];
}

function forDestination(question: Question, object: EgressObject, field: string): Candidate[] {
  const destination = valueAt(object.manifest, field);
  const host = destination?.host && fullHost(destination.host, namespaceOf(object.manifest));
  const ports = new Set<number>(question.objects.flatMap(({ manifest }) =>
    manifest?.kind === 'ServiceEntry' && manifest.spec?.hosts?.includes(host) ? (manifest.spec.ports ?? []).map((port: any) => port.number)
      : manifest?.kind === 'Service' && `${manifest.metadata.name}.${namespaceOf(manifest)}.svc.cluster.local` === host
        ? (manifest.spec?.ports ?? []).map((port: any) => port.port) : []));
  const names = question.objects.filter(({ manifest }) => manifest?.kind === 'Service')
    .map(({ manifest }) => `${manifest.metadata.name}.${namespaceOf(manifest)}.svc.cluster.local`);
  return [
    ...[...ports].filter(port => port !== destination.port?.number).map(port => set(object, `${field}.port.number`, port)),
    ...names.filter(name => name !== host && name.split('.')[0] === String(host).split('.')[0]).map(name => set(object, `${field}.host`, name)),
    ...[...new Set(ofKind(question, 'ServiceEntry').flatMap(({ manifest }) => manifest.spec?.hosts ?? []))]
      .filter(name => name !== host && !isWildcard(name)).map(name => set(object, `${field}.host`, name, 1.5)),
  ];
}

function forServer(question: Question, gateway: EgressObject, field: string, { principal }: Asked): Candidate[] {
  const found: Candidate[] = [];
  const server = /^spec\.servers\[\d+\]/.exec(field)?.[0];
  if (field.endsWith('.subjectAltNames')) {
    const names: string[] = valueAt(gateway.manifest, field) ?? [];
    found.push({ ...set(gateway, `${field}[${names.length}]`, principal), text: `${nameOf(gateway)}: add ${JSON.stringify(principal)} to ${field}` });
  }
  if (server !== undefined) {
    const value = valueAt(gateway.manifest, server);
    found.push(...(value?.hosts ?? []).flatMap((host: string, index: number) => host.includes('/')
      ? [set(gateway, `${server}.hosts[${index}]`, host.slice(host.indexOf('/') + 1))] : []));
    for (const protocol of ['HTTP', 'HTTPS', 'TLS', 'TCP']) {
      if (value?.port?.protocol !== protocol) {
        found.push(set(gateway,
          `${server}.port.protocol`, protocol, 1.2));
      }
    }
    found.push(...ofKind(question, 'DestinationRule').flatMap(rule => tlsPaths(rule.manifest).flatMap(path =>
      ((value?.hosts ?? []) as string[]).map(host => host.slice(host.indexOf('/') + 1)).filter(host => host !== '*')
        .map(host => set(rule, `${path}.sni`, host)))));
  }
  for (const { manifest } of question.objects) {
    const labels = manifest?.kind === 'Service' ? manifest.spec?.selector : manifest?.kind === 'Deployment'
      ? manifest.spec?.template?.metadata?.labels : undefined;
    if (labels) found.push(set(gateway, 'spec.selector', labels, 1.5));
  }
  for (const pods of question.world.gateways ?? []) found.push(set(gateway, 'spec.selector', pods.labels, 1.5));
  return found;
}

function tlsPaths(manifest: any): string[] {
  const paths: string[] = [];
  const policy = (value: any, at: string) => {
    if (value?.tls) paths.push(`${at}.tls`);
    (value?.portLevelSettings ?? []).forEach((port: any, index: number) => port.tls && paths.push(`${at}.portLevelSettings[${index}].tls`));
  };
  policy(manifest.spec?.trafficPolicy, 'spec.trafficPolicy');
  (manifest.spec?.subsets ?? []).forEach((subset: any, index: number) => policy(subset.trafficPolicy, `spec.subsets[${index}].trafficPolicy`));
  return paths;
}

function forTls(question: Question, rule: EgressObject, field: string, { host }: Asked): Candidate[] {
  const path = /^(.*\.tls)(\..*)?$/.exec(field)?.[1];
  if (path === undefined) return [];
  const tls = valueAt(rule.manifest, path);
  const found: Candidate[] = [
    set(rule, `${path}.subjectAltNames`, [host]),
    {
      ...set(rule, `${path}.mode`, tls?.mode === 'SIMPLE' ? 'ISTIO_MUTUAL' : 'SIMPLE'),
      ...(tls?.mode !== 'SIMPLE' && { weakens: 'no client certificate is shown any more' }),
    },
    { ...set(rule, path, undefined), text: `${nameOf(rule)}: remove ${path}`, weakens: 'the request then leaves without this TLS' },
    { ...set(rule, `${path}.caCertificates`, 'system'), size: 1.1 },
  ];
  for (const other of ['caCertificates', 'subjectAltNames', 'sni',
    'credentialName']) {
    if (tls?.[other] !== undefined) {
      found.push({
        ...set(rule, `${path}.${other}`, undefined),
        text: `${nameOf(rule)}: remove ${path}.${other}`,
      });
    }
  }
  for (const secret of question.world.secrets ?? []) {
    found.push({ ...set(rule, `${path}.credentialName`, secret.name), size: 1 });
    found.push({
      text: `${nameOf(rule)}: set ${path} to mode MUTUAL with credentialName "${secret.name}"`,
      size: 2,
      edits: [{
        object: rule,
        change: manifest => Object.assign(valueAt(manifest, path),
          { mode: 'MUTUAL', credentialName: secret.name, caCertificates: undefined }),
      }],
    });
  }
  for (const gateway of ofKind(question, 'Gateway')) {
    for (const server of gateway.manifest.spec?.servers ?? []) {
      for (const name of server.hosts ?? []) if (!name.endsWith('*')) found.push(set(rule, `${path}.sni`, name.slice(name.indexOf('/') + 1)));
    }
  }
  // TLS for everything, where only clear HTTP should get it: bound to its port.
  if (path === 'spec.trafficPolicy.tls') {
    for (const port of new Set(ofKind(question, 'ServiceEntry')
      .flatMap(({ manifest }) => (manifest.spec?.ports ?? []).filter((one: any) => isHttp(one.protocol)).map((one: any) => one.number)))) {
      found.push({
        text: `${nameOf(rule)}: move spec.trafficPolicy.tls to spec.trafficPolicy.portLevelSettings for port ${port}`,
        size: 2,
        edits: [{
          object: rule,
          change: manifest => {
            const { tls: moved, ...rest } = manifest.spec.trafficPolicy;
            manifest.spec.trafficPolicy = { ...rest, portLevelSettings: [...rest.portLevelSettings ?? [], { port: { number: port }, tls: moved }] };
          },
        }],
      });
    }
  }
  return found;
}

function forEntry(entry: EgressObject, { host, port, scheme }: Asked): Candidate[] {
  const { spec } = entry.manifest;
  const found: Candidate[] = ['DNS', 'NONE', 'STATIC'].filter(resolution => (spec.resolution ?? 'NONE') !== resolution).map(resolution => ({
    ...set(entry, 'spec.resolution', resolution), ...(resolution === 'NONE' && { weakens: 'callers then choose the address themselves' }),
  }));
  (spec.ports ?? []).forEach((one: any, index: number) => {
    if (one.number === port && isHttp(one.protocol) && one.targetPort === undefined) found.push(set(entry, `spec.ports[${index}].targetPort`, 443));
  });
  (spec.ports ?? []).forEach((one: any, index: number) => {
    if (one.targetPort !== undefined) {
      found.push({
        ...set(entry, `spec.ports[${index}].targetPort`, undefined),
        text: `${nameOf(entry)}: remove spec.ports[${index}].targetPort`,
        ...(isHttp(one.protocol) && { weakens: 'the request then leaves in clear text' }),
      });
    }
    for (const protocol of scheme === 'https' ? ['TLS'] : scheme === 'http' ? ['HTTP'] : ['TCP']) {
      if (one.number === port
      && one.protocol !== protocol) found.push(set(entry, `spec.ports[${index}].protocol`, protocol));
    }
  });
  (spec.endpoints ?? []).forEach((endpoint: any, index: number) => {
    if (endpoint.address !== host && !isWildcard(host)) found.push(set(entry, `spec.endpoints[${index}].address`, host, 1.5));
  });
  return found;
}

function forPolicy(policy: EgressObject, field: string, { principal, host }: Asked): Candidate[] {
  const rules: any[] = policy.manifest.spec?.rules ?? [];
  const own = principal.replace('spiffe://', '');
  if (policy.manifest.spec?.action === 'DENY') {
    return [{ ...set(policy, field, undefined), text: `${nameOf(policy)}: remove ${field}` }];
  }
  return [
    ...rules.flatMap((rule, index) => (rule.from ?? []).flatMap((from: any, at: number) => {
      const principals: string[] | undefined = from.source?.principals;
      return principals ? [{
        ...set(policy, `spec.rules[${index}].from[${at}].source.principals[${principals.length}]`, own),
        text: `${nameOf(policy)}: add "${own}" to spec.rules[${index}].from[${at}].source.principals`,
      }] : [];
    })),
    ...rules.flatMap((rule, index) => (rule.to ?? []).flatMap((to: any, at: number) => {
      const hosts: string[] | undefined = to.operation?.hosts;
      return hosts ? [{
        ...set(policy, `spec.rules[${index}].to[${at}].operation.hosts[${hosts.length}]`, host),
        text: `${nameOf(policy)}: add "${host}" to spec.rules[${index}].to[${at}].operation.hosts`,
      }] : [];
    })),
    set(policy, `spec.rules[${rules.length}]`, { from: [{ source: { principals: [own] } }] }, 2),
  ];
}

function forNetworkPolicy(policy: EgressObject, { port }: Asked): Candidate[] {
  const rules: any[] = policy.manifest.spec?.egress ?? [];
  return [set(policy, `spec.egress[${rules.length}]`, { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port, protocol: 'TCP' }] }, 2),
    set(policy, `spec.egress[${rules.length}]`, { to: [{ namespaceSelector: {} }] }, 2)];
}

function forRoute(routes: EgressObject, field: string): Candidate[] {
  const found: Candidate[] = [];
  const rule = /^spec\.(http|tls|tcp)\[\d+\]/.exec(field)?.[0];
  if (rule !== undefined && valueAt(routes.manifest, `${rule}.fault`)) {
    found.push({
      ...set(routes, `${rule}.fault`, undefined),
      text: `${nameOf(routes)}: remove ${rule}.fault`,
    });
  }
  const http: any[] = routes.manifest.spec?.http ?? [];
  http.forEach((one, index) => (one.match ?? []).forEach((match: any, at: number) => {
    if (match.uri) found.push({ ...set(routes, `spec.http[${index}].match[${at}].uri`, { prefix: '/' }) });
  }));
  return found;
}

/** Routes that speak of the host and are bound to another Gateway, or from a namespace that the Gateway does not admit. */
function unboundRoutes(question: Question, { host }: Asked): Candidate[] {
  if (question.answer.by !== 'gateway') return [];
  const gateways = ofKind(question, 'Gateway').map(({ manifest }) => `${namespaceOf(manifest)}/${manifest.metadata.name}`);
  return ofKind(question, 'VirtualService').filter(({ manifest }) => (manifest.spec?.gateways ?? []).length > 0).flatMap(routes => {
    const names: string[] = routes.manifest.spec.gateways;
    const own = gateways.flatMap(gateway => names.flatMap((name, index) => name === 'mesh' || name === gateway
      || !gateway.endsWith(`/${name.slice(name.indexOf('/') + 1)}`) ? [] : [renamed(routes, index, name, gateway)]));
    const hosts: string[] = routes.manifest.spec.hosts ?? [];
    return [...own, ...(hosts.includes(host) ? [] : [set(routes, `spec.hosts[${hosts.length}]`, host, 1.5)])];
  });
}

/** The full name of a Gateway, wherever the VirtualService says the short one. */
function renamed(routes: EgressObject, index: number, from: string, to: string): Candidate {
  return {
    text: `${nameOf(routes)}: set spec.gateways[${index}] to ${JSON.stringify(to)} (and in the matches that name it)`,
    size: 1,
    edits: [{
      object: routes,
      change: manifest => {
        const replace = (value: any): any => Array.isArray(value) ? value.map(replace) : value && typeof value === 'object'
          ? Object.fromEntries(Object.entries(value)
            .map(([key, inner]) => [key, key === 'gateways' && Array.isArray(inner) ? inner.map(name => name === from ? to : name) : replace(inner)]))
          : value;
        manifest.spec = replace(manifest.spec);
      },
    }],
  };
}

/** Settings that a sidecar passes over unless a selector chooses it. */
function ignoredCredential(question: Question): Candidate[] {
  const { answer, caller } = question;
  const labels = caller.labels ?? { app: caller.name ?? caller.serviceAccount };
  return answer.remarks.filter(({ code }) => code === 'ignored-credential').flatMap(({ deciders }) => deciders).flatMap(decider => {
    const rule = find(question, decider);
    return rule ? [set(rule, 'spec.workloadSelector', { matchLabels: labels })] : [];
  });
}

/** A rule where the proxies look for it: beside the Service that it is for. */
function misplacedRules(question: Question): Candidate[] {
  return ofKind(question, 'DestinationRule').flatMap(rule => {
    const namespace = /^[^.]+\.([^.]+)\.svc\.cluster\.local$/.exec(fullHost(rule.manifest.spec?.host ?? '', namespaceOf(rule.manifest)))?.[1];
    if (namespace === undefined || namespace === namespaceOf(rule.manifest)) return [];
    return [{ ...set(rule, 'metadata.namespace', namespace, 1.5), text: `${nameOf(rule)}: move it to namespace ${namespace}, where the Service is` }];
  });
}

/** Routes in a section that the server does not read: what ended TLS reads tcp, what passes it through reads tls. */
function unreadSections(question: Question): Candidate[] {
  if (question.answer.by !== 'gateway') return [];
  return ofKind(question, 'VirtualService').flatMap(routes => ((routes.manifest.spec?.tls ?? []) as any[]).map((tls, index): Candidate => ({
    text: `${nameOf(routes)}: move spec.tls[${index}] to spec.tcp, without its sniHosts`,
    size: 2,
    edits: [{
      object: routes,
      change: manifest => {
        manifest.spec.tls.splice(index, 1);
        if (manifest.spec.tls.length === 0) delete manifest.spec.tls;
        manifest.spec.tcp = [...manifest.spec.tcp ?? [], { ...tls, match: (tls.match ?? []).map(({ sniHosts: _names, ...match }: any) => match) }];
      },
    }],
  })));
}

/** Clear text where the host expects TLS: the settings that a port lacks, in a rule that is there or in one beside the entry. */
function missingTls(question: Question): Candidate[] {
  const { answer, caller } = question;
  if (!answer.plaintextToOutside || answer.outcome === 'answered') return [];
  const rules = ofKind(question, 'DestinationRule');
  return ofKind(question, 'ServiceEntry').flatMap(({ manifest: entry }) => ((entry.spec?.ports ?? []) as any[])
    .filter(({ protocol }) => isHttp(protocol) || protocol === 'TLS' || protocol === 'HTTPS').flatMap(port =>
      (entry.spec.hosts as string[]).flatMap((host): Candidate[] => {
        // Where sni is set, a proxy checks the name only if subjectAltNames says it.
        const tls = { mode: 'SIMPLE', ...(!isWildcard(host) && { sni: host, subjectAltNames: [host] }) };
        const settings = { port: { number: port.number }, tls };
        const there = rules.filter(({ manifest }) => manifest.spec?.host === host)
          .map(rule => set(rule, `spec.trafficPolicy.portLevelSettings[${rule.manifest.spec.trafficPolicy?.portLevelSettings?.length ?? 0}]`, settings, 2));
        const own = namespaceOf(entry);
        const user = answer.gateway?.split('/')[0] ?? caller.namespace;
        const { exportTo } = entry.spec;
        return [
          ...there,
          newRule(own, { host, ...(exportTo && { exportTo }), trafficPolicy: { portLevelSettings: [settings] } }),
          // A rule in the namespace of the proxy that is to follow it goes before the entry's.
          ...(user === own ? [] : [newRule(user, { host, exportTo: ['.'], trafficPolicy: { portLevelSettings: [settings] } }, NEW_OBJECT + 1)]),
        ];
      })));
}

function newRule(namespace: string, spec: any, size = NEW_OBJECT): Candidate {
  const name = `${spec.host.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}-tls`;
  const rule = { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name, namespace }, spec };
  return { text: [`add DestinationRule ${namespace}/${name}:`, ...yamlLines(rule).map(line => `  ${line}`)].join('\n'), size, edits: [], added: [rule] };
}
