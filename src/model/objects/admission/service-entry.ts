import { isIP } from 'net';
import {
  exportProblems,
  isFullName,
  isLabel,
  isSocket,
  labelProblems,
  nameProblems,
  portProblems,
  Problems,
  rangeProblems,
  repeatedIn,
  selectorProblems,
} from './names';
import { isHttp, isTls, upper } from '../../../istio/protocols';
import { EntryEndpoint, IstioSpecs } from '../../../manifests/specs';

type Spec = IstioSpecs['ServiceEntry'];

const BY_NAME: readonly string[] = ['DNS', 'DNS_ROUND_ROBIN'];

export function* serviceEntryProblems(spec: Spec, namespace: string): Problems {
  const { hosts = [], addresses, resolution = 'NONE', endpoints = [], ports = [], exportTo } = spec;
  const isByName = BY_NAME.includes(resolution) && endpoints.length === 0;
  for (const [at, host] of hosts.entries()) {
    if (isByName && host.includes('*'))
      yield {
        field: 'spec.hosts',
        problem: `"${host}" has no address of its own, which resolution ${resolution} needs without endpoints`,
      };
    yield* nameProblems(`spec.hosts[${at}]`, host);
    // Otherwise, only what follows the first label must not be a number.
    if (isByName && !isFullName(host))
      yield { field: `spec.hosts[${at}]`, problem: `"${host}" is not the name of a host` };
  }
  yield* rangeProblems('spec.addresses', addresses);
  const names = ports.map((port) => port?.name ?? '');
  const twice = repeatedIn(names);
  for (const [at, name] of names.entries()) {
    const field = `spec.ports[${at}].name` as const;
    if (name === '') yield { field, problem: 'is missing' };
    if (!isLabel(name)) yield { field, problem: `"${name}" is not made of letters, digits and "-"` };
    if (twice.has(at)) yield { field, problem: `${name} is declared twice` };
  }
  const known = new Set(names);
  for (const [at, endpoint] of endpoints.entries()) yield* endpointProblems(endpoint, at, known, resolution);
  if (resolution === 'DYNAMIC_DNS') yield* dynamicDnsProblems(spec);
  const opaque = ports.findIndex(({ protocol }) => !isHttp(protocol) && !isTls(protocol));
  if (resolution !== 'NONE' && hosts.length > 1 && opaque >= 0)
    yield {
      field: `spec.ports[${opaque}].protocol`,
      problem: `${upper(ports[opaque].protocol) || 'a port without one'} does not tell several hosts apart`,
    };
  yield* exportProblems(exportTo, namespace, true);
}

function* endpointProblems(
  { address = '', ports = {}, labels }: EntryEndpoint,
  at: number,
  names: ReadonlySet<string>,
  resolution: string,
): Problems {
  const field = `spec.endpoints[${at}]` as const;
  const isAddress = isIP(address) !== 0 || address === '';
  if (resolution === 'STATIC' && !isAddress && !isSocket(address))
    yield { field: `${field}.address`, problem: `${address} is not an IP address (resolution STATIC)` };
  if (BY_NAME.includes(resolution) && isIP(address) === 0 && !isFullName(address))
    yield { field: `${field}.address`, problem: `"${address}" is neither an IP address nor the name of a host` };
  const unknown = Object.keys(ports).find((name) => !names.has(name));
  if (unknown !== undefined) yield { field: `${field}.ports`, problem: `no port of the entry is called ${unknown}` };
  yield* labelProblems(`${field}.labels`, labels);
}

/** Protocols whose requests say by which name they are to be reached. */
const WITH_NAMES: readonly unknown[] = ['HTTP', 'TLS', 'GRPC', 'HTTP2'];

function* dynamicDnsProblems({ hosts = [], addresses, endpoints, ports = [] }: Spec): Problems {
  const exact = hosts.findIndex((host) => !host.startsWith('*'));
  if (exact >= 0) yield { field: `spec.hosts[${exact}]`, problem: `${hosts[exact]} is not a wildcard (DYNAMIC_DNS)` };
  if (addresses?.length) yield { field: 'spec.addresses', problem: 'DYNAMIC_DNS allows no addresses' };
  if (endpoints?.length) yield { field: 'spec.endpoints', problem: 'DYNAMIC_DNS allows no endpoints' };
  const other = ports.findIndex((port) => !WITH_NAMES.includes(upper(port.protocol)));
  if (other >= 0)
    yield {
      field: `spec.ports[${other}].protocol`,
      problem: `DYNAMIC_DNS allows ${WITH_NAMES.join(', ')} only`,
    };
}

/** The rules of the schema (x-kubernetes-validations in crds/istio.yaml), less those about text and durations. */
export function* serviceEntrySchemaProblems(spec: Spec): Problems {
  const { hosts = [], addresses = [], ports = [], endpoints, resolution = 'NONE', workloadSelector } = spec;
  const any = hosts.indexOf('*');
  if (any >= 0) yield { field: `spec.hosts[${any}]`, problem: '"*" is not a host; the broadest is like *.com' };
  if (workloadSelector && endpoints)
    yield { field: 'spec.workloadSelector', problem: 'only one of workloadSelector and endpoints can be set' };
  yield* selectorProblems('spec.workloadSelector.labels', workloadSelector?.labels);
  if (endpoints && resolution === 'NONE')
    yield { field: 'spec.endpoints', problem: 'resolution NONE allows no endpoints' };
  if ((endpoints?.length ?? 0) > 1 && resolution === 'DNS_ROUND_ROBIN')
    yield { field: 'spec.endpoints', problem: 'resolution DNS_ROUND_ROBIN allows one endpoint' };
  const range = resolution === 'NONE' || resolution === 'STATIC' ? -1 : addresses.findIndex((one) => one.includes('/'));
  if (range >= 0)
    yield {
      field: `spec.addresses[${range}]`,
      problem: `${addresses[range]} is a range, which only resolution NONE and STATIC allow`,
    };
  const twice = repeatedIn(ports.map((port) => port?.number));
  for (const [index, port] of ports.entries()) {
    yield* portProblems(`spec.ports[${index}].number`, port?.number);
    yield* portProblems(`spec.ports[${index}].targetPort`, port?.targetPort);
    if (twice.has(index)) yield { field: `spec.ports[${index}].number`, problem: `${port.number} is declared twice` };
  }
  for (const [at, endpoint] of (endpoints ?? []).entries()) {
    if (!endpoint?.address && !endpoint?.network)
      yield { field: `spec.endpoints[${at}].address`, problem: 'is missing' };
    for (const [name, port] of Object.entries(endpoint.ports ?? {}))
      yield* portProblems(`spec.endpoints[${at}].ports["${name}"]`, port);
  }
}
