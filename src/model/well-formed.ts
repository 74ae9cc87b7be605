import { webhookProblem } from './admission';
import { FieldRef } from './answer';
import { fieldRef } from './field-ref';
import { hostsOverlap } from './host-names';
import { ModelRequest } from './request';
import { Shape, shapeProblems } from '../access/shape';
import { EgressObject } from '../manifests/egress-object';
import { fullHost } from '../manifests/hosts';
import { Indexed } from '../manifests/indexed';

/** An object that every API server rejects: a wrong type, a value that is not allowed, an unknown kind or version. */
export interface Malformed {
  readonly source: EgressObject;
  /** Names the object, the field, the value, and what is allowed. */
  readonly problem: string;
  readonly cause: FieldRef;
}

const text: Shape = { type: 'string' };
const whole: Shape = { type: 'integer' };
const flag: Shape = { type: 'boolean' };
const any: Shape = { type: 'object' };
const list = (items: Shape): Shape => ({ type: 'array', items });
const words = (...values: string[]): Shape => ({ enum: values });
const fields = (properties: Record<string, Shape>): Shape => ({ type: 'object', properties });
const map = (additionalProperties: Shape): Shape => ({ type: 'object', additionalProperties });
const texts = list(text);
const labels = map(text);
/** istiod ignores the case of protocols. */
const protocol: Shape = {
  enum: [
    'HTTP',
    'HTTP2',
    'HTTPS',
    'GRPC',
    'GRPC-WEB',
    'TLS',
    'TCP',
    'UDP',
    'MONGO',
    'REDIS',
    'MYSQL',
    'HBONE',
    'HTTP_PROXY',
    '',
  ],
  anyCase: true,
};

const destination = fields({ host: text, subset: text, port: fields({ number: whole }) });
const match = fields({ exact: text, prefix: text, regex: text });
const headerChange = fields({ set: labels, add: labels, remove: texts });
const headerChanges = fields({ request: headerChange, response: headerChange });
const routes = list(fields({ destination, weight: whole }));
const http = fields({
  match: list(
    fields({
      uri: match,
      scheme: match,
      method: match,
      authority: match,
      headers: map(any),
      withoutHeaders: map(any),
      queryParams: map(any),
      port: whole,
      ignoreUriCase: flag,
      sourceLabels: labels,
      sourceNamespace: text,
      gateways: texts,
    }),
  ),
  route: list(fields({ destination, weight: whole, headers: headerChanges })),
  redirect: fields({ uri: text, authority: text, scheme: text, port: whole, redirectCode: whole }),
  directResponse: fields({ status: whole }),
  rewrite: fields({ uri: text, authority: text }),
  headers: headerChanges,
  fault: fields({ abort: fields({ httpStatus: whole, percentage: any }), delay: any }),
  mirror: destination,
  timeout: text,
});
const layer4 = (more: Record<string, Shape>) =>
  list(
    fields({
      match: list(
        fields({
          destinationSubnets: texts,
          port: whole,
          sourceLabels: labels,
          sourceNamespace: text,
          gateways: texts,
          ...more,
        }),
      ),
      route: routes,
    }),
  );
const clientTls = fields({
  mode: words('DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'),
  sni: text,
  subjectAltNames: texts,
  caCertificates: text,
  credentialName: text,
  clientCertificate: text,
  privateKey: text,
  insecureSkipVerify: flag,
});
const settings = {
  tls: clientTls,
  loadBalancer: fields({
    simple: words('UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'),
  }),
  connectionPool: any,
  outlierDetection: any,
};
const trafficPolicy = fields({
  ...settings,
  portLevelSettings: list(fields({ ...settings, port: fields({ number: whole }) })),
});
const port = { number: whole, name: text, protocol };
const sources = Object.fromEntries(
  [
    'principals',
    'notPrincipals',
    'namespaces',
    'notNamespaces',
    'serviceAccounts',
    'notServiceAccounts',
    'requestPrincipals',
    'notRequestPrincipals',
    'ipBlocks',
    'notIpBlocks',
  ].map((name) => [name, texts]),
);
const operations = Object.fromEntries(
  ['hosts', 'notHosts', 'ports', 'notPorts', 'methods', 'notMethods', 'paths', 'notPaths'].map((name) => [name, texts]),
);

/** Types and allowed values of the fields that the model reads. */
export const SPECS: Record<string, Shape> = {
  ServiceEntry: fields({
    hosts: texts,
    addresses: texts,
    exportTo: texts,
    subjectAltNames: texts,
    ports: list(fields({ ...port, targetPort: whole })),
    location: words('MESH_EXTERNAL', 'MESH_INTERNAL'),
    resolution: words('NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'),
    endpoints: list(
      fields({ address: text, ports: map(whole), labels, weight: whole, locality: text, serviceAccount: text }),
    ),
  }),
  VirtualService: fields({
    hosts: texts,
    gateways: texts,
    exportTo: texts,
    http: list(http),
    tls: layer4({ sniHosts: texts }),
    tcp: layer4({}),
  }),
  DestinationRule: fields({
    host: text,
    exportTo: texts,
    trafficPolicy,
    subsets: list(fields({ name: text, labels, trafficPolicy })),
    workloadSelector: fields({ matchLabels: labels }),
  }),
  Gateway: fields({
    selector: labels,
    servers: list(
      fields({
        port: fields(port),
        hosts: texts,
        name: text,
        tls: fields({
          mode: words('PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL'),
          httpsRedirect: flag,
          subjectAltNames: texts,
          credentialName: text,
          credentialNames: texts,
          serverCertificate: text,
          privateKey: text,
          caCertificates: text,
          minProtocolVersion: words('TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'),
          maxProtocolVersion: words('TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'),
          cipherSuites: texts,
        }),
      }),
    ),
  }),
  Sidecar: fields({
    workloadSelector: fields({ labels }),
    egress: list(
      fields({ hosts: texts, port: fields(port), bind: text, captureMode: words('DEFAULT', 'IPTABLES', 'NONE') }),
    ),
    outboundTrafficPolicy: fields({ mode: words('REGISTRY_ONLY', 'ALLOW_ANY') }),
  }),
  AuthorizationPolicy: fields({
    selector: fields({ matchLabels: labels }),
    action: words('ALLOW', 'DENY', 'AUDIT', 'CUSTOM'),
    rules: list(
      fields({
        from: list(fields({ source: fields(sources) })),
        to: list(fields({ operation: fields(operations) })),
        when: list(fields({ key: text, values: texts, notValues: texts })),
      }),
    ),
  }),
};

/** Common to all objects. */
const METADATA = fields({ name: text, namespace: text, labels, annotations: labels });
const CORE: Record<string, Shape> = {
  Service: fields({
    ports: list(fields({ name: text, port: whole, protocol: text, appProtocol: text })),
    selector: labels,
    clusterIP: text,
    type: text,
  }),
  NetworkPolicy: fields({
    podSelector: any,
    policyTypes: texts,
    egress: list(fields({ to: list(any), ports: list(any) })),
    ingress: list(any),
  }),
};
/** Kinds and versions of Istio's groups. */
const GROUPS: Record<string, { kinds: readonly string[]; versions: readonly string[] }> = {
  'networking.istio.io': {
    kinds: [
      ...Object.keys(SPECS).filter((kind) => kind !== 'AuthorizationPolicy'),
      'EnvoyFilter',
      'ProxyConfig',
      'WorkloadEntry',
      'WorkloadGroup',
    ],
    versions: ['v1', 'v1beta1', 'v1alpha3'],
  },
  'security.istio.io': {
    kinds: ['AuthorizationPolicy', 'PeerAuthentication', 'RequestAuthentication'],
    versions: ['v1', 'v1beta1'],
  },
};

function problemOf(manifest: any): string | undefined {
  const { apiVersion, kind, metadata, spec } = manifest;
  const [group, version] = String(apiVersion).split('/');
  const known = GROUPS[group];
  if (known && !known.kinds.includes(kind))
    return `kind: there is no "${kind}" in ${group}; its kinds are ${known.kinds.join(', ')}`;
  if (known && !known.versions.includes(version))
    return (
      `apiVersion: "${apiVersion}" is not a version of ${group}; it is ` +
      `${known.versions.map((one) => `${group}/${one}`).join(', ')}`
    );
  const shape = known ? SPECS[kind] : group === 'v1' || group === 'networking.k8s.io' ? CORE[kind] : undefined;
  const created = metadata.creationTimestamp;
  if ((known || shape) && created && Number.isNaN(new Date(created).getTime()))
    return `metadata.creationTimestamp: ${JSON.stringify(created)} is not a timestamp`;
  return (
    (known || shape ? shapeProblems(metadata, METADATA, 'metadata')[0] : undefined) ??
    (shape && spec !== undefined && spec !== null ? shapeProblems(spec, shape, 'spec')[0] : undefined)
  );
}

/** Separates the objects that the model can read from those that every API server rejects. */
export function separateMalformed(objects: Iterable<EgressObject>): {
  readonly objects: EgressObject[];
  readonly malformed: Malformed[];
} {
  const wellFormed: EgressObject[] = [];
  const malformed: Malformed[] = [];
  for (const source of objects) {
    const { manifest } = source;
    const isObject = typeof manifest?.kind === 'string' && manifest.metadata;
    const rejected = isObject ? problemOf(manifest) : undefined;
    const problem =
      rejected ??
      (isObject && manifest.spec && String(manifest.apiVersion).startsWith('networking.istio.io/')
        ? webhookProblem(manifest.kind, manifest.spec)
        : undefined);
    if (problem === undefined) {
      wellFormed.push(source);
      continue;
    }
    const { kind, metadata, spec } = manifest;
    const object = new Indexed(
      source,
      kind,
      String(metadata.namespace ?? 'default'),
      String(metadata.name),
      spec ?? {},
    );
    malformed.push({
      source,
      problem: `${kind} ${object.namespace}/${object.name} would be rejected by ${
        rejected === undefined ? "Istio's webhook" : 'every API server'
      } (${problem})`,
      cause: fieldRef(object, problem.split(':')[0]),
    });
  }
  return { objects: wellFormed, malformed };
}

/**
 * The malformed object that could change the answer to a request if it were corrected: one for the host, or for a
 * destination of its VirtualServices, or one whose hosts are missing or cannot be read.
 */
export function malformedThatMatters(
  malformed: readonly Malformed[],
  objects: readonly EgressObject[],
  { url, headers = {}, follow }: ModelRequest,
): Malformed | undefined {
  if (malformed.length === 0 || follow) return malformed[0];
  const hostHeader = Object.entries(headers).find(([name]) => name.toLowerCase() === 'host')?.[1];
  const names = new Set([
    new URL(url.replace(/^tcp:/, 'http:')).hostname,
    ...(hostHeader === undefined ? [] : [hostHeader.replace(/:\d+$/, '')]),
  ]);
  const routed = objects.filter(({ manifest }) => manifest?.kind === 'VirtualService' && manifest.spec);
  // Iterating over a Set also visits what is added meanwhile: the destinations of destinations.
  for (const name of names) {
    for (const {
      manifest: { metadata, spec },
    } of routed) {
      if (!(spec.hosts ?? []).some((host: string) => hostsOverlap(host, name))) continue;
      for (const route of [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])].flatMap(
        (one) => one.route ?? [],
      )) {
        if (typeof route?.destination?.host === 'string')
          names.add(fullHost(route.destination.host, metadata.namespace ?? 'default'));
      }
    }
  }
  return malformed.find(
    ({
      source: {
        manifest: { metadata, spec },
      },
    }) => {
      const hosts = [spec?.host ?? spec?.hosts ?? []].flat();
      return (
        hosts.length === 0 ||
        hosts.some(
          (host) =>
            typeof host !== 'string' ||
            [...names].some((name) => hostsOverlap(fullHost(host, String(metadata?.namespace ?? 'default')), name)),
        )
      );
    },
  );
}
