/**
 * ValidatingAdmissionPolicies, evaluated with Node alone: what of them is refused, and by which message. The mesh lab
 * holds the same objects against the API server's own code.
 */
import { BlockList, isIP, isIPv6 } from 'net';
import { Environment } from '@marcbachmann/cel-js';

export interface AdmissionRequest {
  readonly object?: any;
  readonly oldObject?: any;
  readonly operation?: 'CREATE' | 'UPDATE' | 'DELETE';
  /** Such as `status`. */
  readonly subresource?: string;
  readonly user?: string;
  readonly namespaceObject?: any;
}

class Cidr {
  public constructor(public readonly list: BlockList) {}
}

const RESOURCES: Record<string, string> = {
  ServiceEntry: 'serviceentries',
  VirtualService: 'virtualservices',
  DestinationRule: 'destinationrules',
  Gateway: 'gateways',
  Sidecar: 'sidecars',
  EnvoyFilter: 'envoyfilters',
  TrafficExtension: 'trafficextensions',
  Telemetry: 'telemetries',
  RequestAuthentication: 'requestauthentications',
  Service: 'services',
  Endpoints: 'endpoints',
  EndpointSlice: 'endpointslices',
  Pod: 'pods',
  WorkloadEntry: 'workloadentries',
  HTTPRoute: 'httproutes',
  GRPCRoute: 'grpcroutes',
  TLSRoute: 'tlsroutes',
  TCPRoute: 'tcproutes',
};

const cel = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
})
  .registerType('CIDR', { ctor: Cidr, fields: {} })
  // Kubernetes takes no IPv4 address that is written as one of IPv6.
  .registerFunction('isIP(string): bool', (text: string) => isIP(text) !== 0 && !/^::ffff:.*[.]/i.test(text))
  .registerFunction('string.replace(string, string): string', (text: string, what: string, by: string) =>
    text.replaceAll(what, by),
  )
  .registerFunction('list.sum(): int', (list: (bigint | number)[]) =>
    list.reduce((sum: bigint, one) => sum + BigInt(one), 0n),
  )
  .registerFunction('cidr(string): CIDR', (text: string) => {
    const [address, length] = text.split('/');
    const list = new BlockList();
    list.addSubnet(address, Number(length), isIPv6(address) ? 'ipv6' : 'ipv4');
    return new Cidr(list);
  })
  .registerFunction('CIDR.containsIP(string): bool', (range: Cidr, address: string) =>
    range.list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'),
  );
const compiled = new Map<string, (context: any) => unknown>();

function evaluate(expression: string, context: any): any {
  if (!compiled.has(expression)) compiled.set(expression, cel.parse(expression) as (context: any) => unknown);
  return compiled.get(expression)!(context);
}

/**
 * The messages of the policies that refuse a request. An expression that fails refuses, as `failurePolicy: Fail` says.
 */
export function refusals(manifests: any[], request: AdmissionRequest): string[] {
  return manifests
    .filter(({ kind }) => kind === 'ValidatingAdmissionPolicy')
    .filter(({ spec }) => concerns(spec, request))
    .flatMap(({ metadata, spec }) => {
      const about = request.object ?? request.oldObject;
      const context: any = {
        object: null,
        oldObject: null,
        namespaceObject: { metadata: { name: about.metadata.namespace } },
        ...request,
        request: {
          namespace: about.metadata.namespace,
          operation: request.operation ?? 'CREATE',
          resource: { resource: RESOURCES[about.kind] },
          ...(request.subresource && { subResource: request.subresource }),
          userInfo: { username: request.user ?? 'somebody' },
        },
        variables: {},
      };
      try {
        const conditions: any[] = spec.matchConditions ?? [];
        if (!conditions.every(({ expression }) => evaluate(expression, context) === true)) return [];
        for (const { name, expression } of spec.variables ?? [])
          context.variables[name] = evaluate(expression, context);
        return spec.validations
          .filter(({ expression }: any) => evaluate(expression, context) !== true)
          .map(({ message, messageExpression }: any) =>
            messageExpression === undefined ? message : evaluate(messageExpression, context),
          );
      } catch (error) {
        return [`${metadata.name} fails: ${(error as Error).message}`];
      }
    });
}

function concerns(
  { matchConstraints }: any,
  { object, oldObject, operation = 'CREATE', subresource }: AdmissionRequest,
): boolean {
  const { apiVersion, kind, metadata } = object ?? oldObject;
  const [version, group = ''] = apiVersion.split('/').reverse();
  const place = matchConstraints.namespaceSelector.matchExpressions[0];
  return (
    place.values.includes(metadata.namespace) === (place.operator === 'In') &&
    matchConstraints.resourceRules.some(
      (rule: any) =>
        rule.apiGroups.includes(group) &&
        rule.apiVersions.includes(version) &&
        rule.resources.includes([RESOURCES[kind], subresource].filter(Boolean).join('/')) &&
        rule.operations.includes(operation),
    )
  );
}
