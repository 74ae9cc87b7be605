import { isIP } from 'net';
import { FieldPath } from '../manifests/field-path';
import { SECTIONS } from '../manifests/routes';
import { IstioSpecs } from '../manifests/specs';

/** A field that makes the API server or a webhook refuse an object. */
export interface FieldProblem {
  readonly field: FieldPath;
  readonly problem: string;
}

const BY_KIND: Record<string, (spec: any) => FieldProblem | undefined> = {
  ServiceEntry: serviceEntryProblem,
  DestinationRule: destinationRuleProblem,
  VirtualService: virtualServiceProblem,
};

/** Why Istio's validating webhook rejects an object of a kind of egress, although its types are right. */
export function webhookProblem(kind: string, spec: unknown): FieldProblem | undefined {
  return Object.prototype.hasOwnProperty.call(BY_KIND, kind) ? BY_KIND[kind](spec) : undefined;
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

function destinationRuleProblem({ trafficPolicy }: IstioSpecs['DestinationRule']): FieldProblem | undefined {
  for (const [at, port] of (trafficPolicy?.portLevelSettings ?? []).entries()) {
    const field: FieldPath = `spec.trafficPolicy.portLevelSettings[${at}]`;
    if (!port?.port) return { field: `${field}.port`, problem: 'is missing' };
    if (!port.tls && !port.loadBalancer && !port.connectionPool && !port.outlierDetection)
      return { field, problem: 'sets nothing' };
  }
  return undefined;
}

function virtualServiceProblem(spec: IstioSpecs['VirtualService']): FieldProblem | undefined {
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
