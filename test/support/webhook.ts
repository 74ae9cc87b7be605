/**
 * What Istio's admission webhook rejects, beyond schema and CEL, for the kinds that this library emits (Istio 1.31,
 * pkg/config/validation; the mesh lab checks the same objects against the original).
 */

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const PROTOCOLS = [
  'HTTP',
  'HTTP2',
  'HTTPS',
  'HTTP_PROXY',
  'GRPC',
  'GRPC-WEB',
  'TCP',
  'TLS',
  'UDP',
  'MONGO',
  'REDIS',
  'MYSQL',
];
const PROTOCOLS_WITH_HOST = ['HTTP', 'HTTP2', 'HTTPS', 'GRPC', 'GRPC-WEB', 'TLS'];

/** Kinds that belong to no namespace. */
const CLUSTER_WIDE = /^ValidatingAdmissionPolicy/;

const CHECKS: Record<string, (manifest: any, refuse: (why: string) => void) => void> = {
  ServiceEntry: serviceEntry,
  VirtualService: virtualService,
  DestinationRule: destinationRule,
  Gateway: gateway,
  Sidecar: sidecar,
  Service: service,
};

export function webhookProblems(manifest: any): string[] {
  const problems: string[] = [];
  const refuse = (why: string) => problems.push(`webhook: ${why}`);
  const name: string = manifest.metadata?.name ?? '';
  if (name.length > 253 || !name.split('.').every((label) => LABEL.test(label))) refuse(`metadata.name "${name}"`);
  if (
    CLUSTER_WIDE.test(manifest.kind)
      ? manifest.metadata?.namespace !== undefined
      : !LABEL.test(manifest.metadata?.namespace ?? '')
  )
    refuse(`metadata.namespace "${manifest.metadata?.namespace}"`);
  CHECKS[manifest.kind]?.(manifest, refuse);
  return problems;
}

function fqdn(host: string, wildcards = true): boolean {
  const name = wildcards ? host.replace(/^\*\./, '') : host;
  return host.length <= 255 && name.split('.').every((label) => LABEL.test(label));
}

function exportTo(spec: any, refuse: (why: string) => void, allowNone = false): void {
  const list: string[] = spec.exportTo ?? [];
  if (new Set(list).size !== list.length) refuse('exportTo has duplicates');
  if (list.length > 1 && (list.includes('*') || list.includes('~'))) refuse('exportTo mixes * or ~ with others');
  for (const item of list) {
    if (item === '~' ? !allowNone : !['.', '*'].includes(item) && !LABEL.test(item)) refuse(`exportTo "${item}"`);
  }
}

function serviceEntry({ spec }: any, refuse: (why: string) => void): void {
  exportTo(spec, refuse, true);
  const resolution = spec.resolution ?? 'NONE';
  const dns = resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN';
  const endpoints: any[] = spec.endpoints ?? [];
  for (const host of spec.hosts ?? []) {
    if (host === '*' || !fqdn(host)) refuse(`host "${host}"`);
    if (dns && endpoints.length === 0 && host.startsWith('*'))
      refuse(`${resolution} with wildcard ${host} and no endpoints`);
    if (resolution === 'DYNAMIC_DNS' && !host.startsWith('*')) refuse(`DYNAMIC_DNS with plain host ${host}`);
  }
  for (const { name, protocol, number } of spec.ports ?? []) {
    if (!LABEL.test(name)) refuse(`port name "${name}"`);
    if (!PROTOCOLS.includes(String(protocol).toUpperCase())) refuse(`protocol "${protocol}"`);
    if (protocol === 'UDP') refuse(`UDP on ${number} does nothing`);
    if (resolution === 'DYNAMIC_DNS' && !['HTTP', 'HTTP2', 'GRPC', 'TLS'].includes(String(protocol).toUpperCase()))
      refuse(`DYNAMIC_DNS with ${protocol}`);
    if (spec.hosts.length > 1 && !PROTOCOLS_WITH_HOST.includes(String(protocol).toUpperCase()) && resolution !== 'NONE')
      refuse(`several hosts with ${protocol}`);
  }
  if (resolution === 'NONE' && endpoints.length > 0) refuse('NONE with endpoints');
  if (resolution === 'DYNAMIC_DNS' && endpoints.length > 0) refuse('DYNAMIC_DNS with endpoints');
  if (resolution === 'DYNAMIC_DNS' && spec.addresses?.length) refuse('DYNAMIC_DNS with addresses');
  for (const { address } of endpoints) {
    const ip = /^[\d.]+$|:/.test(address ?? '');
    if (resolution === 'STATIC' && !ip) refuse(`STATIC endpoint "${address}"`);
    if (dns && !ip && !fqdn(address ?? '', false)) refuse(`endpoint "${address}"`);
  }
  if (dns && (spec.addresses ?? []).some((address: string) => address.includes('/'))) refuse('address range with DNS');
}

function virtualService({ spec }: any, refuse: (why: string) => void): void {
  exportTo(spec, refuse);
  const gateways: string[] = spec.gateways ?? ['mesh'];
  const hosts: string[] = spec.hosts ?? [];
  if (hosts.length === 0) refuse('no hosts: a delegate');
  if (new Set(hosts).size !== hosts.length) refuse('duplicate hosts');
  if (gateways.includes('mesh') && hosts.includes('*')) refuse('* on mesh');
  for (const host of hosts) if (!fqdn(host)) refuse(`host "${host}"`);
  const routes = [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])];
  if (routes.length === 0) refuse('no routes');
  for (const route of routes) {
    if (!route.route?.length && !route.redirect && !route.directResponse) refuse('a route without a destination');
    for (const { destination } of route.route ?? []) {
      if (!destination?.host || !fqdn(destination.host)) refuse(`destination "${destination?.host}"`);
      if (destination?.subset !== undefined && !LABEL.test(destination.subset))
        refuse(`subset "${destination.subset}"`);
    }
    const { attempts, perTryTimeout, retryOn } = route.retries ?? {};
    if (attempts === 0 && (perTryTimeout || retryOn)) refuse('0 retries with settings');
  }
  for (const { match } of spec.tls ?? []) {
    if (!match?.length) refuse('tls route without match');
    for (const { sniHosts } of match ?? []) {
      if (!sniHosts?.length) refuse('tls match without sniHosts');
      for (const sni of sniHosts ?? []) if (!hosts.includes(sni)) refuse(`sniHosts "${sni}" is not one of the hosts`);
    }
  }
}

function destinationRule({ spec }: any, refuse: (why: string) => void): void {
  exportTo(spec, refuse);
  if (!fqdn(spec.host ?? '')) refuse(`host "${spec.host}"`);
  const names = new Set<string>();
  for (const { name } of spec.subsets ?? []) {
    if (!LABEL.test(name)) refuse(`subset "${name}"`);
    if (names.has(name)) refuse(`duplicate subset "${name}"`);
    names.add(name);
  }
  const policies = [spec.trafficPolicy, ...(spec.subsets ?? []).map((subset: any) => subset.trafficPolicy)].filter(
    Boolean,
  );
  for (const policy of policies) {
    if (Object.keys(policy).length === 0) refuse('empty traffic policy');
    for (const part of [policy, ...(policy.portLevelSettings ?? [])]) {
      if (part !== policy && !part.port?.number) refuse('port settings without port');
      if (part.outlierDetection && Object.keys(part.outlierDetection).length === 0) refuse('empty outlierDetection');
      if (part.connectionPool && !part.connectionPool.tcp && !part.connectionPool.http) refuse('empty connectionPool');
      if (part.tls) tls(part.tls, refuse);
    }
  }
}

function tls(block: any, refuse: (why: string) => void): void {
  const files = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'].filter(
    (field) => block[field] !== undefined,
  );
  if (block.insecureSkipVerify) refuse('insecureSkipVerify');
  if ((block.mode === 'SIMPLE' || block.mode === 'MUTUAL') && block.credentialName !== undefined && files.length > 0)
    refuse(`credentialName with ${files.join(', ')}`);
  if (block.mode === 'MUTUAL' && block.credentialName === undefined && !(block.clientCertificate && block.privateKey))
    refuse('MUTUAL without certificate and key');
  if (block.mode === 'ISTIO_MUTUAL' && (files.length > 0 || block.credentialName))
    refuse('ISTIO_MUTUAL with certificates of its own');
  if ((block.subjectAltNames ?? []).some((name: string) => name === '')) refuse('empty subjectAltName');
}

function gateway({ metadata, spec }: any, refuse: (why: string) => void): void {
  if (!LABEL.test(metadata.name)) refuse(`Gateway name "${metadata.name}" is not a DNS label`);
  if (!spec.servers?.length) refuse('no servers');
  const names = new Set<string>();
  for (const { port, hosts, tls: block } of spec.servers ?? []) {
    if (!LABEL.test(port?.name ?? '')) refuse(`port name "${port?.name}"`);
    if (names.has(port?.name)) refuse(`duplicate port name "${port.name}"`);
    names.add(port?.name);
    if (port?.targetPort !== undefined) refuse('port.targetPort');
    const needsTls = ['HTTPS', 'TLS'].includes(port?.protocol);
    if (needsTls && !block) refuse(`${port.protocol} without tls`);
    if (!needsTls && block && !block.httpsRedirect) refuse(`${port?.protocol} with tls`);
    if (
      block?.mode === 'ISTIO_MUTUAL' &&
      ['credentialName', 'serverCertificate', 'privateKey', 'caCertificates'].some((field) => block[field])
    )
      refuse('ISTIO_MUTUAL with certificates of its own');
    for (const host of hosts ?? []) {
      const [name, namespace] = String(host).split('/').reverse();
      if (name !== '*' && (!fqdn(name) || !name.includes('.'))) refuse(`server host "${host}"`);
      if (namespace !== undefined && !['.', '*'].includes(namespace) && !LABEL.test(namespace))
        refuse(`server host "${host}"`);
    }
  }
}

function sidecar({ spec }: any, refuse: (why: string) => void): void {
  if (!spec.egress && !spec.ingress && !spec.outboundTrafficPolicy && !spec.inboundConnectionPool)
    refuse('an empty Sidecar');
  const listeners: any[] = spec.egress ?? [];
  if (
    listeners.findIndex((listener) => !listener.port) !== -1 &&
    listeners.findIndex((listener) => !listener.port) !== listeners.length - 1
  )
    refuse('the listener for all ports must be last');
  for (const { hosts } of listeners) {
    if (!hosts?.length) refuse('egress without hosts');
    if (hosts.includes('*/*') && hosts.length > 1) refuse('*/* together with others (a warning)');
    for (const item of hosts ?? []) {
      const [namespace, host, more] = item.split('/');
      if (
        host === undefined ||
        more !== undefined ||
        (!['*', '.', '~'].includes(namespace) && !LABEL.test(namespace)) ||
        (host !== '*' && (!fqdn(host) || !host.includes('.')))
      )
        refuse(`egress host "${item}"`);
    }
  }
}

function service({ metadata, spec }: any, refuse: (why: string) => void): void {
  if (!LABEL.test(metadata.name)) refuse(`Service name "${metadata.name}"`);
  if (Object.keys(spec.selector ?? {}).length === 0) refuse('no selector');
  for (const { name, port } of spec.ports ?? []) {
    if (!LABEL.test(name ?? '')) refuse(`port name "${name}"`);
    if (!Number.isInteger(port) || port < 1 || port > 65535) refuse(`port ${port}`);
  }
}
