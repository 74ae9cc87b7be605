import { isIP } from 'net';
import {
  checkExport,
  isFullName,
  isLabel,
  isSocket,
  checkLabels,
  checkName,
  checkPort,
  reject,
  checkRanges,
  repeatedIn,
  checkSelector,
} from './names';
import { isHttp, isTls, upper } from '../../../istio/protocols';
import { EntryEndpoint, IstioSpecs } from '../../../manifests/specs';

type Spec = IstioSpecs['ServiceEntry'];

const BY_NAME: readonly string[] = ['DNS', 'DNS_ROUND_ROBIN'];

export function checkServiceEntry(spec: Spec, namespace: string): void {
  const { hosts = [], addresses, resolution = 'NONE', endpoints = [], ports = [], exportTo } = spec;
  const isByName = BY_NAME.includes(resolution) && endpoints.length === 0;
  for (const [at, host] of hosts.entries()) {
    if (isByName && host.includes('*'))
      reject(
        'spec.hosts',
        `"${host}" has no address of its own, which resolution ${resolution} needs without endpoints`,
      );
    checkName(`spec.hosts[${at}]`, host);
    // Otherwise, only what follows the first label must not be a number.
    if (isByName && !isFullName(host)) reject(`spec.hosts[${at}]`, `"${host}" is not the name of a host`);
  }
  checkRanges('spec.addresses', addresses);
  const names = ports.map((port) => port?.name ?? '');
  const twice = repeatedIn(names);
  for (const [at, name] of names.entries()) {
    const field = `spec.ports[${at}].name` as const;
    if (name === '') reject(field, 'is missing');
    if (!isLabel(name)) reject(field, `"${name}" is not made of letters, digits and "-"`);
    if (twice.has(at)) reject(field, `${name} is declared twice`);
  }
  const known = new Set(names);
  for (const [at, endpoint] of endpoints.entries()) checkEndpoint(endpoint, at, known, resolution);
  if (resolution === 'DYNAMIC_DNS') checkDynamicDns(spec);
  const opaque = ports.findIndex(({ protocol }) => !isHttp(protocol) && !isTls(protocol));
  if (resolution !== 'NONE' && hosts.length > 1 && opaque >= 0)
    reject(
      `spec.ports[${opaque}].protocol`,
      `${upper(ports[opaque].protocol) || 'a port without one'} does not tell several hosts apart`,
    );
  checkExport(exportTo, namespace, true);
}

function checkEndpoint(
  { address = '', network, ports = {}, labels }: EntryEndpoint,
  at: number,
  names: ReadonlySet<string>,
  resolution: string,
): void {
  const field = `spec.endpoints[${at}]` as const;
  if (isSocket(address) && names.size !== 1) reject(`${field}.address`, `${address} needs an entry with one port`);
  if (!address && !network) reject(`${field}.address`, 'is missing');
  const isAddress = isIP(address) !== 0 || address === '';
  if (resolution === 'STATIC' && !isAddress && !isSocket(address))
    reject(`${field}.address`, `${address} is not an IP address (resolution STATIC)`);
  if (BY_NAME.includes(resolution) && isIP(address) === 0 && !isFullName(address))
    reject(`${field}.address`, `"${address}" is neither an IP address nor the name of a host`);
  const unknown = Object.keys(ports).find((name) => !names.has(name));
  if (unknown !== undefined) reject(`${field}.ports`, `no port of the entry is called ${unknown}`);
  checkLabels(`${field}.labels`, labels);
}

/** Protocols whose requests say by which name they are to be reached. */
const WITH_NAMES: readonly unknown[] = ['HTTP', 'TLS', 'GRPC', 'HTTP2'];

function checkDynamicDns({ hosts = [], addresses, endpoints, ports = [] }: Spec): void {
  const exact = hosts.findIndex((host) => !host.startsWith('*'));
  if (exact >= 0) reject(`spec.hosts[${exact}]`, `${hosts[exact]} is not a wildcard (DYNAMIC_DNS)`);
  if (addresses?.length) reject('spec.addresses', 'DYNAMIC_DNS allows no addresses');
  if (endpoints?.length) reject('spec.endpoints', 'DYNAMIC_DNS allows no endpoints');
  const other = ports.findIndex((port) => !WITH_NAMES.includes(upper(port.protocol)));
  if (other >= 0) reject(`spec.ports[${other}].protocol`, `DYNAMIC_DNS allows ${WITH_NAMES.join(', ')} only`);
}

/** The rules of the schema (x-kubernetes-validations in crds/istio.yaml), less those about text and durations. */
export function checkServiceEntrySchema(spec: Spec): void {
  const { hosts = [], addresses = [], ports = [], endpoints, resolution = 'NONE', workloadSelector } = spec;
  const any = hosts.indexOf('*');
  if (any >= 0) reject(`spec.hosts[${any}]`, '"*" is not a host; the broadest is like *.com');
  if (workloadSelector && endpoints)
    reject('spec.workloadSelector', 'only one of workloadSelector and endpoints can be set');
  checkSelector('spec.workloadSelector.labels', workloadSelector?.labels);
  if (endpoints && resolution === 'NONE') reject('spec.endpoints', 'resolution NONE allows no endpoints');
  if ((endpoints?.length ?? 0) > 1 && resolution === 'DNS_ROUND_ROBIN')
    reject('spec.endpoints', 'resolution DNS_ROUND_ROBIN allows one endpoint');
  const range = resolution === 'NONE' || resolution === 'STATIC' ? -1 : addresses.findIndex((one) => one.includes('/'));
  if (range >= 0)
    reject(`spec.addresses[${range}]`, `${addresses[range]} is a range, which only resolution NONE and STATIC allow`);
  const twice = repeatedIn(ports.map((port) => port?.number));
  for (const [index, port] of ports.entries()) {
    checkPort(`spec.ports[${index}].number`, port?.number);
    checkPort(`spec.ports[${index}].targetPort`, port?.targetPort);
    if (twice.has(index)) reject(`spec.ports[${index}].number`, `${port.number} is declared twice`);
  }
  for (const [at, endpoint] of (endpoints ?? []).entries()) checkEndpointSchema(`spec.endpoints[${at}]`, endpoint);
}

export function checkWorkloadEntry({ address = '', network, labels }: EntryEndpoint): void {
  if (!address && !network) reject('spec.address', 'is missing');
  if (address && isIP(address) === 0 && !isSocket(address) && !isFullName(address))
    reject('spec.address', `"${address}" is neither an IP address nor the name of a host`);
  checkLabels('spec.labels', labels);
}

export function checkWorkloadEntrySchema(spec: EntryEndpoint): void {
  checkEndpointSchema('spec', spec);
}

function checkEndpointSchema(field: 'spec' | `spec.endpoints[${number}]`, endpoint: EntryEndpoint | null): void {
  const { address, network, ports } = endpoint ?? {};
  if (!is(address) && !is(network)) reject(`${field}.address`, 'is missing');
  if (is(address) && isSocket(address)) {
    if (!/^unix:\/\/[/@](.*[^/])?$/.test(address))
      reject(`${field}.address`, `"${address}" is not the path of a socket`);
    if (is(ports)) reject(`${field}.ports`, 'a socket has no ports');
  }
  for (const [name, port] of Object.entries(ports ?? {})) {
    checkPort(`${field}.ports["${name}"]`, port);
    if (!isLabel(name)) reject(`${field}.ports`, `"${name}" is not made of letters, digits and "-"`);
  }
}

/** Whether a field is there: a null one is not. */
function is<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}
