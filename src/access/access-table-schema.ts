import { OUTBOUND_MODES, PATH_NORMALIZATIONS, SPOKEN, SYMPTOMS, VIAS } from './access-table';
import { Shape } from '../schema/shape';

/** An object with these fields and no others. */
function record(required: string[], properties: Record<string, Shape>): Shape {
  return { type: 'object', additionalProperties: false, required, properties };
}

/** A Secret or ConfigMap in the cluster, and what it may hold. */
function holding(contents: string[], more: Record<string, Shape> = {}): Shape {
  return record(['name', 'namespace', 'holds'], {
    name: { type: 'string', minLength: 1 },
    namespace: { $ref: '#/definitions/label' },
    holds: { enum: contents },
    ...more,
  });
}

const LABEL_SELECTOR: Shape = record([], {
  matchLabels: { type: 'object', additionalProperties: { type: 'string' } },
  matchExpressions: {
    type: 'array',
    items: record([], {
      key: { type: 'string' },
      operator: { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
      values: { type: 'array', items: { type: 'string' } },
    }),
  },
});

/** `discoverySelectors` of a MeshConfig. */
export const DISCOVERY_SELECTORS: Shape = { type: 'array', items: LABEL_SELECTOR };

const VISIBILITY: Shape = { enum: ['VISIBILITY_UNSPECIFIED', 'NONE', 'NAMESPACE', 'PUBLIC'] };

/** `serviceEntryVisibility` of a MeshConfig. */
export const SERVICE_ENTRY_VISIBILITY: Shape = {
  description: 'Who may see the ServiceEntries of a namespace, as in MeshConfig (Istio 1.31). Default: whom they say.',
  ...record([], {
    defaultVisibility: VISIBILITY,
    applyToSidecars: { type: 'boolean' },
    policies: {
      type: 'array',
      items: record([], {
        visibility: VISIBILITY,
        matchingRules: { type: 'array', items: record([], { namespaceSelector: LABEL_SELECTOR }) },
      }),
    },
  }),
};

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
        outboundTrafficPolicy: {
          description: 'The mode in the mesh configuration. Default ALLOW_ANY, as in Istio.',
          enum: OUTBOUND_MODES,
        },
        rootNamespace: { description: 'Default istio-system.', $ref: '#/definitions/label' },
        trustDomain: { description: 'Default cluster.local.', type: 'string', minLength: 1 },
        clusterDomain: {
          description: 'The domain of Kubernetes Services. Default cluster.local.',
          type: 'string',
          minLength: 1,
        },
        trustDomainAliases: {
          description: "Trust domains that policies may name instead of the mesh's own. Default none.",
          type: 'array',
          items: { type: 'string', minLength: 1 },
        },
        pathNormalization: {
          description: "How proxies normalise the paths of requests. Default BASE, as Istio's.",
          enum: PATH_NORMALIZATIONS,
        },
        dnsCapture: {
          description: 'Whether sidecars answer DNS themselves (ISTIO_META_DNS_CAPTURE). Default false, as in Istio.',
          type: 'boolean',
        },
        dualStack: {
          description:
            "Whether pods have IPv6 addresses beside those of IPv4, with Istio's ISTIO_DUAL_STACK. Default false.",
          type: 'boolean',
        },
        serviceEntryVisibility: SERVICE_ENTRY_VISIBILITY,
        scopeGatewayToNamespace: {
          description:
            'Whether Gateways act on pods of their own namespace only (PILOT_SCOPE_GATEWAY_TO_NAMESPACE of istiod). ' +
            'Default false, as in Istio.',
          type: 'boolean',
        },
      },
    },
    gateways: {
      description: 'The pods of egress gateways.',
      type: 'array',
      items: record(['namespace', 'labels', 'serviceAccount', 'targetPort'], {
        name: {
          description:
            'Its name in reports, and the name of its Service if the cluster has one that is not among the ' +
            'manifests. Default: its namespace, and no such Service.',
          $ref: '#/definitions/label',
        },
        namespace: { $ref: '#/definitions/label' },
        labels: { $ref: '#/definitions/labels' },
        serviceAccount: { type: 'string', minLength: 1 },
        targetPort: { description: 'The port on which the pods listen for the hop.', $ref: '#/definitions/port' },
      }),
    },
    callers: {
      description: 'Workloads that make requests.',
      type: 'array',
      minItems: 1,
      items: record(['name', 'namespace', 'serviceAccount'], {
        name: { description: 'The name that rows use.', $ref: '#/definitions/label' },
        namespace: { $ref: '#/definitions/label' },
        serviceAccount: { type: 'string', minLength: 1 },
        labels: {
          description:
            'Labels of its pod. Default: app: <name>. A pod template in the manifests with these labels gives ' +
            'the pod its annotations.',
          $ref: '#/definitions/labels',
        },
        capture: {
          description: 'Annotations under traffic.sidecar.istio.io/ that the pod has whatever the manifests say.',
          type: 'object',
          additionalProperties: { type: 'string' },
        },
        dnsCapture: { description: "Whether its sidecar answers DNS itself. Default: the mesh's.", type: 'boolean' },
      }),
    },
    external: {
      description: 'Hosts outside the mesh, and how they behave.',
      type: 'array',
      minItems: 1,
      items: record(['host'], {
        host: { type: 'string', minLength: 3 },
        address: {
          description:
            'Its only address. Default: a free one in 203.0.113.0/24, and with dualStack another in 2001:db8::/32.',
          type: 'string',
        },
        http: {
          description: 'Port 80. Default none: nothing listens there.',
          enum: ['ok', 'redirect-to-https', 'none'],
        },
        https: {
          description: 'Port 443, HTTP/1.1 and HTTP/2. Default none.',
          enum: ['ok', 'client-certificate', 'none'],
        },
        certificate: {
          description: 'What port 443 presents. Default good: for its own name, from a public authority.',
          enum: ['good', 'wrong-name', 'unknown-ca', 'private-ca', 'expired'],
        },
        tcp: {
          description: 'Ports that echo what they receive.',
          type: 'array',
          items: { $ref: '#/definitions/port' },
        },
      }),
    },
    secrets: {
      type: 'array',
      items: holding(
        ['client-certificate', 'wrong-client-certificate', 'expired-client-certificate', 'ca-certificates'],
        {
          commonName: {
            description: 'The common name of a client certificate, to tell several apart.',
            type: 'string',
            minLength: 1,
          },
        },
      ),
    },
    configMaps: { type: 'array', items: holding(['private-ca']) },
    access: {
      description: 'The requests.',
      type: 'array',
      minItems: 1,
      items: record(['from', 'request', 'expect'], {
        from: { description: 'The name of a caller.', type: 'string' },
        request: { description: 'http://, https:// or tcp://host:port.', type: 'string' },
        method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'] },
        speak: {
          description:
            'Default HTTP/1.1 for http://, what the host chooses for https://. http2: with prior knowledge. ' +
            'grpc: one unary call. websocket: an upgrade and one message back and forth.',
          enum: SPOKEN,
        },
        headers: { type: 'object', additionalProperties: { type: 'string' } },
        dial: { description: "An address to dial instead of the host's own.", type: 'string' },
        follow: { description: 'Follow redirects.', type: 'boolean' },
        without: {
          description: '`manifests` leaves out all of them; `<Kind>/<namespace>/<name>` one object.',
          oneOf: [
            { type: 'string', pattern: '^(manifests|[A-Z][A-Za-z]+/[^/]+/[^/]+)$' },
            { type: 'array', minItems: 1, items: { type: 'string', pattern: '^[A-Z][A-Za-z]+/[^/]+/[^/]+$' } },
          ],
        },
        expect: record(['outcome'], {
          outcome: { enum: ['answered', 'refused'] },
          answeredBy: {
            description: 'The external host that answers. Default: the host of the request, and no other.',
            type: 'string',
            minLength: 3,
          },
          status: { description: 'The last status that the caller sees.', type: 'integer', minimum: 100, maximum: 599 },
          redirects: {
            description: 'The statuses of the redirects before it.',
            type: 'array',
            items: { type: 'integer', minimum: 300, maximum: 399 },
          },
          symptom: {
            description:
              "What the caller sees: a status, or curl's exit code 35 (tls-closed), 52, 55 or 56 (closed), 28 " +
              "(timeout), 60 (certificate-rejected), or gRPC's status 14 (grpc-unavailable).",
            oneOf: [{ type: 'integer', minimum: 400, maximum: 599 }, { enum: SYMPTOMS }],
          },
          by: { description: 'What refused it.', enum: ['sidecar', 'gateway', 'host'] },
          via: {
            description:
              'The egress path. direct: past the sidecar. undeclared: nothing declares the host, and the sidecar ' +
              'lets it through.',
            enum: VIAS,
          },
          tlsOriginatedBy: { enum: ['application', 'sidecar', 'gateway', 'none'] },
          plaintextToHost: {
            description: 'Whether the external host received bytes that are not TLS.',
            type: 'boolean',
          },
          identityAtGateway: {
            description:
              '<namespace>/<service account> of the caller, from the certificate that the gateway saw, or none.',
            type: 'string',
            pattern: '^([^/]+/[^/]+|none)$',
          },
          serverName: { description: 'The server name (SNI) that the external host was asked for.', type: 'string' },
          protocol: { description: 'What the external host spoke.', enum: ['http/1.1', 'h2', 'tcp'] },
          clientCertificate: { description: 'Whether the external host saw a client certificate.', type: 'boolean' },
          clientCommonName: {
            description: 'The common name in the client certificate that the external host saw.',
            type: 'string',
          },
          addedHeaders: {
            description: 'Names of headers that reached the external host and that the application did not send.',
            type: 'array',
            items: { type: 'string' },
          },
          hostHeader: { description: 'The Host header that reached the external host.', type: 'string' },
          removedHeaders: {
            description: "Names of the row's headers that did not reach the external host.",
            type: 'array',
            items: { type: 'string' },
          },
        }),
      }),
    },
  },
  definitions: {
    label: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' },
    labels: { type: 'object', minProperties: 1, additionalProperties: { type: 'string' } },
    port: { type: 'integer', minimum: 1, maximum: 65535 },
  },
};
