import { isIP } from 'net';
import { covers } from '../../istio/hosts';
import { FieldPath } from '../../manifests/field-path';
import { SECTIONS } from '../../manifests/routes';
import { IstioSpecs } from '../../manifests/specs';

/** A field that makes the API server or a webhook refuse an object. */
export interface FieldProblem {
  readonly field: FieldPath;
  readonly problem: string;
}

type Checks = { readonly [Kind in keyof IstioSpecs]?: (spec: IstioSpecs[Kind]) => FieldProblem | undefined };

const IN_SCHEMA: Checks = {
  ServiceEntry: serviceEntrySchemaProblem,
  Gateway: gatewaySchemaProblem,
  AuthorizationPolicy: policySchemaProblem,
};

/** Why the API server rejects an object by the rules in its schema, although its types are right. */
export function schemaProblem(kind: string, spec: unknown): FieldProblem | undefined {
  return problemBy(IN_SCHEMA, kind, spec);
}

const BY_WEBHOOK: Checks = {
  ServiceEntry: serviceEntryProblem,
  DestinationRule: destinationRuleProblem,
  VirtualService: virtualServiceProblem,
};

/** Why Istio's validating webhook rejects an object of a kind of egress, although its types are right. */
export function webhookProblem(kind: string, spec: unknown): FieldProblem | undefined {
  return problemBy(BY_WEBHOOK, kind, spec);
}

function problemBy(checks: Checks, kind: string, spec: unknown): FieldProblem | undefined {
  const check = Object.hasOwn(checks, kind) ? checks[kind as keyof IstioSpecs] : undefined;
  return (check as ((of: unknown) => FieldProblem | undefined) | undefined)?.(spec);
}

function serviceEntryProblem(spec: IstioSpecs['ServiceEntry']): FieldProblem | undefined {
  const { hosts = [], resolution = 'NONE', endpoints = [], ports = [] } = spec;
  const wildcard = hosts.find((host) => host.includes('*'));
  const isByName = resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN';
  if (isByName && endpoints.length === 0 && wildcard !== undefined) {
    const problem = `"${wildcard}" has no address of its own, which resolution ${resolution} needs without endpoints`;
    return { field: 'spec.hosts', problem };
  }
  const nameless = ports.findIndex((port) => !port?.name);
  return nameless < 0 ? undefined : { field: `spec.ports[${nameless}].name`, problem: 'is missing' };
}

function destinationRuleProblem(spec: IstioSpecs['DestinationRule']): FieldProblem | undefined {
  const { trafficPolicy, subsets = [] } = spec;
  const isEmpty = (policy: object | undefined) =>
    policy !== undefined && policy !== null && Object.keys(policy).length === 0;
  if (isEmpty(trafficPolicy)) return { field: 'spec.trafficPolicy', problem: 'sets nothing' };
  const empty = subsets.findIndex((subset) => isEmpty(subset?.trafficPolicy));
  if (empty >= 0) return { field: `spec.subsets[${empty}].trafficPolicy`, problem: 'sets nothing' };
  for (const [at, port] of (trafficPolicy?.portLevelSettings ?? []).entries()) {
    const field: FieldPath = `spec.trafficPolicy.portLevelSettings[${at}]`;
    if (!port?.port) return { field: `${field}.port`, problem: 'is missing' };
    if (!port.tls && !port.loadBalancer && !port.connectionPool && !port.outlierDetection)
      return { field, problem: 'sets nothing' };
  }
  return undefined;
}

function virtualServiceProblem(spec: IstioSpecs['VirtualService']): FieldProblem | undefined {
  const any = (spec.hosts ?? []).indexOf('*');
  if (any >= 0 && (!spec.gateways?.length || spec.gateways.includes('mesh')))
    return { field: `spec.hosts[${any}]`, problem: '"*" is not allowed for sidecars, only for a Gateway' };
  for (const [index, one] of (spec.tls ?? []).entries())
    for (const [at, { sniHosts }] of (one?.match ?? []).entries()) {
      // Of an address, Istio only warns.
      const foreign = (sniHosts ?? []).find(
        (name) => isIP(name) === 0 && !(spec.hosts ?? []).some((host) => covers(host, name)),
      );
      if (foreign !== undefined)
        return {
          field: `spec.tls[${index}].match[${at}].sniHosts`,
          problem: `${foreign} is not one of the hosts of the VirtualService`,
        };
    }
  for (const section of SECTIONS)
    for (const [index, one] of (spec[section] ?? []).entries())
      for (const [at, { destination }] of (one?.route ?? []).entries())
        if (isIP(destination?.host ?? '') !== 0)
          return {
            field: `spec.${section}[${index}].route[${at}].destination.host`,
            problem: `${destination!.host} is an address, not the name of a service`,
          };
  return undefined;
}

/** The rules of the schema (x-kubernetes-validations in crds/istio.yaml), less those about text and durations. */
function serviceEntrySchemaProblem(spec: IstioSpecs['ServiceEntry']): FieldProblem | undefined {
  const { hosts = [], addresses = [], ports = [], endpoints, resolution = 'NONE', workloadSelector } = spec;
  const any = hosts.indexOf('*');
  if (any >= 0) return { field: `spec.hosts[${any}]`, problem: '"*" is not a host; the broadest is like *.com' };
  if (workloadSelector && endpoints)
    return { field: 'spec.workloadSelector', problem: 'only one of workloadSelector and endpoints can be set' };
  if (endpoints && resolution === 'NONE')
    return { field: 'spec.endpoints', problem: 'resolution NONE allows no endpoints' };
  if ((endpoints?.length ?? 0) > 1 && resolution === 'DNS_ROUND_ROBIN')
    return { field: 'spec.endpoints', problem: 'resolution DNS_ROUND_ROBIN allows one endpoint' };
  const range = resolution === 'NONE' || resolution === 'STATIC' ? -1 : addresses.findIndex((one) => one.includes('/'));
  if (range >= 0)
    return {
      field: `spec.addresses[${range}]`,
      problem: `${addresses[range]} is a range, which only resolution NONE and STATIC allow`,
    };
  const numbers = ports.map((port) => port?.number);
  for (const [index, port] of ports.entries()) {
    for (const field of ['number', 'targetPort'] as const) {
      const value = port?.[field];
      if (value !== undefined && (value < 1 || value > 65535))
        return { field: `spec.ports[${index}].${field}`, problem: `${value} is not a port from 1 to 65535` };
    }
    if (numbers.indexOf(port?.number) < index)
      return { field: `spec.ports[${index}].number`, problem: `${port.number} is declared twice` };
  }
  const empty = (endpoints ?? []).findIndex((endpoint) => !endpoint?.address && !endpoint?.network);
  return empty < 0 ? undefined : { field: `spec.endpoints[${empty}].address`, problem: 'is missing' };
}

function gatewaySchemaProblem({ servers = [] }: IstioSpecs['Gateway']): FieldProblem | undefined {
  for (const [index, server] of servers.entries()) {
    const { credentialName, credentialNames, tlsCertificates } = server?.tls ?? {};
    const field: FieldPath = `spec.servers[${index}].tls.credentialNames`;
    if (credentialNames && (credentialName || tlsCertificates))
      return { field, problem: 'only one of credentialName, credentialNames and tlsCertificates can be set' };
    for (const name of ['number', 'protocol', 'name'] as const)
      if (server?.port?.[name] === undefined)
        return { field: `spec.servers[${index}].port.${name}`, problem: 'is missing' };
  }
  return undefined;
}

function policySchemaProblem(spec: IstioSpecs['AuthorizationPolicy']): FieldProblem | undefined {
  const given = [spec.selector, spec.targetRef, spec.targetRefs].filter((one) => one !== undefined && one !== null);
  return given.length < 2
    ? undefined
    : { field: 'spec.selector', problem: 'only one of selector, targetRef and targetRefs can be set' };
}
