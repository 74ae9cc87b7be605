import { fieldRef } from './field-ref';
import { Undetermined } from './undetermined';
import { FieldPath } from '../../manifests/field-path';
import { Indexed } from '../../manifests/indexed';

/**
 * The fields that the model knows, by the shape that has them. Any other field could change an answer in a way that the
 * model does not know, so it is reported instead of ignored.
 */
const SHAPES = {
  serviceEntry: [
    'hosts',
    'addresses',
    'ports',
    'location',
    'resolution',
    'endpoints',
    'workloadSelector',
    'exportTo',
    'subjectAltNames',
  ],
  endpoint: ['address', 'ports', 'labels', 'weight', 'locality', 'serviceAccount', 'network'],
  virtualService: ['hosts', 'gateways', 'http', 'tls', 'tcp', 'exportTo'],
  httpRoute: [
    'name',
    'match',
    'route',
    'redirect',
    'directResponse',
    'rewrite',
    'headers',
    'timeout',
    'retries',
    'fault',
    'mirror',
    'mirrors',
    'mirrorPercentage',
    'mirrorPercent',
    'corsPolicy',
    'delegate',
  ],
  httpMatch: [
    'uri',
    'ignoreUriCase',
    'scheme',
    'method',
    'authority',
    'headers',
    'withoutHeaders',
    'queryParams',
    'port',
    'sourceLabels',
    'sourceNamespace',
    'gateways',
    'name',
    'statPrefix',
  ],
  rewrite: ['authority', 'uri', 'uriRegexRewrite'],
  redirect: ['uri', 'authority', 'scheme', 'port', 'derivePort', 'redirectCode', 'prefixRewrite'],
  fault: ['abort', 'delay'],
  abort: ['httpStatus', 'grpcStatus', 'percentage'],
  destinationRule: ['host', 'trafficPolicy', 'subsets', 'exportTo', 'workloadSelector'],
  trafficPolicy: [
    'loadBalancer',
    'connectionPool',
    'outlierDetection',
    'tls',
    'portLevelSettings',
    'port',
    'retryBudget',
    'tunnel',
    'proxyProtocol',
  ],
  subset: ['name', 'labels', 'trafficPolicy'],
  clientTls: [
    'mode',
    'sni',
    'subjectAltNames',
    'caCertificates',
    'credentialName',
    'clientCertificate',
    'privateKey',
    'insecureSkipVerify',
  ],
  gateway: ['selector', 'servers'],
  server: ['name', 'port', 'hosts', 'tls', 'bind', 'defaultEndpoint'],
  serverTls: [
    'mode',
    'httpsRedirect',
    'subjectAltNames',
    'credentialName',
    'credentialNames',
    'serverCertificate',
    'privateKey',
    'caCertificates',
    'minProtocolVersion',
    'maxProtocolVersion',
    'cipherSuites',
  ],
  sidecar: ['workloadSelector', 'egress', 'ingress', 'outboundTrafficPolicy', 'inboundConnectionPool'],
  authorizationPolicy: ['selector', 'action', 'rules'],
  source: [
    'principals',
    'notPrincipals',
    'namespaces',
    'notNamespaces',
    'serviceAccounts',
    'notServiceAccounts',
    'trustDomains',
    'notTrustDomains',
    'requestPrincipals',
    'notRequestPrincipals',
    'ipBlocks',
    'notIpBlocks',
    'remoteIpBlocks',
    'notRemoteIpBlocks',
  ],
  operation: ['hosts', 'notHosts', 'ports', 'notPorts', 'methods', 'notMethods', 'paths', 'notPaths'],
} as const;

export type Shape = keyof typeof SHAPES;

const known = new Map<Shape, ReadonlySet<string>>(
  Object.entries(SHAPES).map(([shape, fields]) => [shape as Shape, new Set<string>(fields)]),
);

/** The first field of the value that is set and that the shape does not have. */
export function unknownField(value: object | null | undefined, shape: Shape): string | undefined {
  const fields = known.get(shape)!;
  for (const field in value) {
    const set = (value as Record<string, unknown>)[field];
    if (!fields.has(field) && set !== undefined && set !== null) return field;
  }
  return undefined;
}

/** Why an answer that depends on the value is undetermined: it has a field that the model does not know. */
export function unknownIn(
  object: Indexed,
  value: object | null | undefined,
  shape: Shape,
  at: FieldPath = 'spec',
): Undetermined | undefined {
  const unknown = unknownField(value, shape);
  return unknown === undefined
    ? undefined
    : new Undetermined(`the model does not know the field ${at}.${unknown} of ${object.kind}`, [
        fieldRef(object, `${at}.${unknown}`),
      ]);
}

/** Makes the answer undetermined where an object has a field that the model does not know. */
export function stopAtUnknownField(...given: Parameters<typeof unknownIn>): void {
  const unknown = unknownIn(...given);
  if (unknown) throw unknown;
}
