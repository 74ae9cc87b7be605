import { OUTBOUND_MODES, PATH_NORMALIZATIONS, SPOKEN, SYMPTOMS, VIAS } from './access-table';
import { described, FLAG, list, map, SOME_TEXT, TEXT } from '../schema/builders';
import { Shape } from '../schema/shape';

const LABEL: Shape = { $ref: '#/definitions/label' };
const LABELS: Shape = { $ref: '#/definitions/labels' };
const PORT: Shape = { $ref: '#/definitions/port' };

/** An object with these fields and no others. */
function record(required: string[], properties: Record<string, Shape>): Shape {
  return { type: 'object', additionalProperties: false, required, properties };
}

/** A Secret or ConfigMap in the cluster, and what it may hold. */
function holding(contents: string[], more: Record<string, Shape> = {}): Shape {
  return record(['name', 'namespace', 'holds'], {
    name: SOME_TEXT,
    namespace: LABEL,
    holds: { enum: contents },
    ...more,
  });
}

const LABEL_SELECTOR: Shape = record([], {
  matchLabels: map(TEXT),
  matchExpressions: list(
    record([], {
      key: TEXT,
      operator: { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
      values: list(TEXT),
    }),
  ),
});

/** `discoverySelectors` of a MeshConfig. */
export const DISCOVERY_SELECTORS: Shape = list(LABEL_SELECTOR);

const VISIBILITY: Shape = { enum: ['VISIBILITY_UNSPECIFIED', 'NONE', 'NAMESPACE', 'PUBLIC'] };

/** `serviceEntryVisibility` of a MeshConfig. */
export const SERVICE_ENTRY_VISIBILITY: Shape = described(
  'Who may see the ServiceEntries of a namespace, as in MeshConfig (Istio 1.31). Default: whom they say.',
  record([], {
    defaultVisibility: VISIBILITY,
    applyToSidecars: FLAG,
    policies: list(
      record([], {
        visibility: VISIBILITY,
        matchingRules: list(record([], { namespaceSelector: LABEL_SELECTOR })),
      }),
    ),
  }),
);

/** The shape of an access table. docs/access-table.schema.json is the same for editors; a test compares them. */
export const ACCESS_TABLE_SCHEMA: Shape = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Access table',
  description: 'Which workload of the mesh calls which external host, and what must happen. See access-table.md.',
  type: 'object',
  additionalProperties: false,
  required: ['callers', 'external', 'access'],
  properties: {
    mesh: {
      description: 'The mesh that the manifests are applied to.',
      type: 'object',
      additionalProperties: false,
      properties: {
        outboundTrafficPolicy: described('The mode in the mesh configuration. Default ALLOW_ANY, as in Istio.', {
          enum: OUTBOUND_MODES,
        }),
        rootNamespace: described('Default istio-system.', LABEL),
        trustDomain: described('Default cluster.local.', SOME_TEXT),
        clusterDomain: described('The domain of Kubernetes Services. Default cluster.local.', SOME_TEXT),
        trustDomainAliases: described(
          "Trust domains that policies may name instead of the mesh's own. Default none.",
          list(SOME_TEXT),
        ),
        pathNormalization: described("How proxies normalise the paths of requests. Default BASE, as Istio's.", {
          enum: PATH_NORMALIZATIONS,
        }),
        dnsCapture: described(
          'Whether sidecars answer DNS themselves (ISTIO_META_DNS_CAPTURE). Default false, as in Istio.',
          FLAG,
        ),
        dualStack: described(
          "Whether pods have IPv6 addresses beside those of IPv4, with Istio's ISTIO_DUAL_STACK. Default false.",
          FLAG,
        ),
        serviceEntryVisibility: SERVICE_ENTRY_VISIBILITY,
        scopeGatewayToNamespace: described(
          'Whether Gateways act on pods of their own namespace only (PILOT_SCOPE_GATEWAY_TO_NAMESPACE of istiod). ' +
            'Default false, as in Istio.',
          FLAG,
        ),
      },
    },
    gateways: described(
      'The pods of egress gateways.',
      list(
        record(['namespace', 'labels', 'serviceAccount', 'targetPort'], {
          name: described(
            'Its name in reports, and the name of its Service if the cluster has one that is not among the ' +
              'manifests. Default: its namespace, and no such Service.',
            LABEL,
          ),
          namespace: LABEL,
          labels: LABELS,
          serviceAccount: SOME_TEXT,
          targetPort: described(
            'The pod port behind port 443 of its Service; port 80 leads to 80 if that is 443, otherwise to 8080.',
            PORT,
          ),
        }),
      ),
    ),
    callers: {
      description: 'Workloads that make requests.',
      type: 'array',
      minItems: 1,
      items: record(['name', 'namespace', 'serviceAccount'], {
        name: described('The name that rows use.', LABEL),
        namespace: LABEL,
        serviceAccount: SOME_TEXT,
        labels: described(
          'Labels of its pod. Default: app: <name>. A pod template in the manifests with these labels gives ' +
            'the pod its annotations.',
          LABELS,
        ),
        capture: described(
          'Annotations under traffic.sidecar.istio.io/ that the pod has whatever the manifests say.',
          map(TEXT),
        ),
        dnsCapture: described("Whether its sidecar answers DNS itself. Default: the mesh's.", FLAG),
      }),
    },
    external: {
      description: 'Hosts outside the mesh, and how they behave.',
      type: 'array',
      minItems: 1,
      items: record(['host'], {
        host: { type: 'string', minLength: 3 },
        address: described(
          'Its only address. Default: a free one in 203.0.113.0/24, and with dualStack another in 2001:db8::/32.',
          TEXT,
        ),
        http: described('Port 80. Default none: nothing listens there.', { enum: ['ok', 'redirect-to-https', 'none'] }),
        https: described('Port 443, HTTP/1.1 and HTTP/2. Default none.', {
          enum: ['ok', 'client-certificate', 'none'],
        }),
        certificate: described('What port 443 presents. Default good: for its own name, from a public authority.', {
          enum: ['good', 'wrong-name', 'unknown-ca', 'private-ca', 'expired'],
        }),
        tcp: described('Ports that echo what they receive.', list(PORT)),
      }),
    },
    secrets: list(
      holding(['client-certificate', 'wrong-client-certificate', 'expired-client-certificate', 'ca-certificates'], {
        commonName: described('The common name of a client certificate, to tell several apart.', SOME_TEXT),
      }),
    ),
    configMaps: list(holding(['private-ca'])),
    access: {
      description: 'The requests.',
      type: 'array',
      minItems: 1,
      items: record(['from', 'request', 'expect'], {
        from: described('The name of a caller.', TEXT),
        request: described('http://, https:// or tcp://host:port.', TEXT),
        method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'] },
        speak: described(
          'Default HTTP/1.1 for http://, what the host chooses for https://. http2: with prior knowledge. ' +
            'grpc: one unary call. websocket: an upgrade and one message back and forth.',
          { enum: SPOKEN },
        ),
        headers: map(TEXT),
        dial: described("An address to dial instead of the host's own.", TEXT),
        follow: described('Follow redirects.', FLAG),
        without: {
          description: '`manifests` leaves out all of them; `<Kind>/<namespace>/<name>` one object.',
          oneOf: [
            { type: 'string', pattern: '^(manifests|[A-Z][A-Za-z]+/[^/]+/[^/]+)$' },
            { type: 'array', minItems: 1, items: { type: 'string', pattern: '^[A-Z][A-Za-z]+/[^/]+/[^/]+$' } },
          ],
        },
        expect: record(['outcome'], {
          outcome: { enum: ['answered', 'refused'] },
          answeredBy: described('The external host that answers. Default: the host of the request, and no other.', {
            type: 'string',
            minLength: 3,
          }),
          status: described('The last status that the caller sees.', { type: 'integer', minimum: 100, maximum: 599 }),
          redirects: described(
            'The statuses of the redirects before it.',
            list({ type: 'integer', minimum: 300, maximum: 399 }),
          ),
          symptom: {
            description:
              "What the caller sees: a status, or curl's exit code 35 (tls-closed), 52, 55 or 56 (closed), 28 " +
              "(timeout), 60 (certificate-rejected), or gRPC's status 14 (grpc-unavailable).",
            oneOf: [{ type: 'integer', minimum: 400, maximum: 599 }, { enum: SYMPTOMS }],
          },
          by: described('What refused it.', { enum: ['sidecar', 'gateway', 'host'] }),
          via: described(
            'The egress path. direct: past the sidecar. undeclared: nothing declares the host, and the sidecar ' +
              'lets it through.',
            { enum: VIAS },
          ),
          tlsOriginatedBy: { enum: ['application', 'sidecar', 'gateway', 'none'] },
          plaintextToHost: described('Whether the external host received bytes that are not TLS.', FLAG),
          identityAtGateway: described(
            '<namespace>/<service account> of the caller, from the certificate that the gateway saw, or none.',
            { type: 'string', pattern: '^([^/]+/[^/]+|none)$' },
          ),
          serverName: described('The server name (SNI) that the external host was asked for.', TEXT),
          protocol: described('What the external host spoke.', { enum: ['http/1.1', 'h2', 'tcp'] }),
          clientCertificate: described('Whether the external host saw a client certificate.', FLAG),
          clientCommonName: described('The common name in the client certificate that the external host saw.', TEXT),
          addedHeaders: described(
            'Names of headers that reached the external host and that the application did not send.',
            list(TEXT),
          ),
          hostHeader: described('The Host header that reached the external host.', TEXT),
          removedHeaders: described("Names of the row's headers that did not reach the external host.", list(TEXT)),
        }),
      }),
    },
  },
  definitions: {
    label: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' },
    labels: { type: 'object', minProperties: 1, additionalProperties: TEXT },
    port: { type: 'integer', minimum: 1, maximum: 65535 },
  },
};
