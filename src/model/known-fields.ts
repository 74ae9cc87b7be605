/**
 * The fields that the model knows, by the shape that has them. Any other field could change an answer in a way that the
 * model does not know, so it is reported instead of ignored.
 */
const SHAPES = {
  serviceEntry: ['hosts', 'addresses', 'ports', 'location', 'resolution', 'endpoints', 'exportTo', 'subjectAltNames'],
  endpoint: ['address', 'ports', 'labels', 'weight', 'locality', 'serviceAccount'],
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
  abort: ['httpStatus', 'percentage'],
  destinationRule: ['host', 'trafficPolicy', 'subsets', 'exportTo', 'workloadSelector'],
  trafficPolicy: [
    'loadBalancer',
    'connectionPool',
    'outlierDetection',
    'tls',
    'portLevelSettings',
    'port',
    'retryBudget',
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
  server: ['name', 'port', 'hosts', 'tls'],
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
    'requestPrincipals',
    'notRequestPrincipals',
  ],
  operation: ['hosts', 'notHosts', 'ports', 'notPorts', 'methods', 'notMethods', 'paths', 'notPaths'],
} as const;

export type Shape = keyof typeof SHAPES;

const known = new Map<Shape, ReadonlySet<string>>(
  Object.entries(SHAPES).map(([shape, fields]) => [shape as Shape, new Set<string>(fields)]),
);
const checked = new WeakMap<object, string | undefined>();

/** A field of the value that is set and that the shape does not have. A value must always come with the same shape. */
export function unknownField(value: any, shape: Shape): string | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  if (checked.has(value)) return checked.get(value);
  const fields = known.get(shape)!;
  const found = Object.keys(value).find(
    (field) => !fields.has(field) && value[field] !== undefined && value[field] !== null,
  );
  checked.set(value, found);
  return found;
}
