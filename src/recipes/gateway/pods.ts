import { ApiObjectMetadata } from 'cdk8s';
import { HOP_PORT } from './names';
import { EXPORT_TO } from '../../istio/annotations';
import {
  DATAPLANE_MODE,
  INJECT,
  INJECTION_TEMPLATES,
  PROXY_CONFIG,
  PROXY_CONTAINER,
  REVISION,
} from '../../istio/injection';
import { GatewayInstallation } from '../../values/gateway-installation';
import { Rank, RecipeObject } from '../recipe';

/** The validated settings for the pods of an `EgressGateway`. */
export interface GatewayPodSettings {
  /** Without a fixed number, they are scaled. */
  readonly replicas?: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly targetCpuPercent: number;
  readonly drainSeconds: number;
  readonly resources: object;
  readonly revision?: string;
  readonly nodeSelector?: Record<string, string>;
  readonly tolerations?: object[];
  readonly labels: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

const RBAC = 'rbac.authorization.k8s.io';

/** The identity of a gateway's pods, and what it may do. */
export function gatewayAccount(installation: GatewayInstallation, metadata: ApiObjectMetadata): RecipeObject[] {
  const { name, namespace } = installation;
  const object = objectsOf(installation, Rank.FIRST, metadata);
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  return [
    object('service-account', 'v1', 'ServiceAccount', {}),
    // istiod only delivers Secrets with client certificates to a proxy whose service account may read them.
    object('role', `${RBAC}/v1`, 'Role', {
      fields: { rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] }] },
    }),
    object('role-binding', `${RBAC}/v1`, 'RoleBinding', {
      fields: { roleRef: { apiGroup: RBAC, kind: 'Role', name }, subjects },
    }),
  ];
}

/** A gateway's pods, the Service through which sidecars reach them, and their scaling. */
export function gatewayPods(
  installation: GatewayInstallation,
  pods: GatewayPodSettings,
  metadata: ApiObjectMetadata,
): RecipeObject[] {
  const object = objectsOf(installation, Rank.LAST, metadata);
  const selector = { matchLabels: installation.labels };
  const disruption = { selector, maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' };
  return [
    object('Resource', 'apps/v1', 'Deployment', { spec: () => deployment(installation, pods) }),
    hopService('service', installation, metadata),
    ...((pods.replicas ?? pods.minReplicas) > 1
      ? [object('pod-disruption-budget', 'policy/v1', 'PodDisruptionBudget', { spec: () => disruption })]
      : []),
    ...(pods.replicas === undefined
      ? [
          object('horizontal-pod-autoscaler', 'autoscaling/v2', 'HorizontalPodAutoscaler', {
            spec: () => autoscaler(installation.name, pods),
          }),
        ]
      : []),
  ];
}

/**
 * The Service by which sidecars reach the gateway's pods: one port, and a name that no other DestinationRule is for. It
 * says that it is visible in every namespace, since a mesh may hide Services by default (`defaultServiceExportTo`).
 */
export function hopService(id: string, installation: GatewayInstallation, given: ApiObjectMetadata): RecipeObject {
  const { hopServiceName, labels: selector, targetPort } = installation;
  const ports = [{ name: 'tls', port: HOP_PORT, targetPort, protocol: 'TCP' }];
  const annotations = { [EXPORT_TO]: '*', ...given.annotations };
  const object = objectsOf(installation, Rank.LAST, { ...given, annotations }, hopServiceName);
  return object(id, 'v1', 'Service', { spec: () => ({ type: 'ClusterIP', selector, ports }) });
}

function objectsOf(installation: GatewayInstallation, rank: Rank, given: ApiObjectMetadata, name = installation.name) {
  const metadata = { ...given, name, namespace: installation.namespace };
  return (id: string, apiVersion: string, kind: string, rest: Pick<RecipeObject, 'fields' | 'spec'>): RecipeObject => ({
    id,
    kind: { apiVersion, kind },
    side: 'gateway',
    rank,
    metadata,
    ...rest,
  });
}

function autoscaler(name: string, { minReplicas, maxReplicas, targetCpuPercent }: GatewayPodSettings): object {
  const target = { type: 'Utilization', averageUtilization: targetCpuPercent };
  return {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
    minReplicas,
    maxReplicas,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
  };
}

/**
 * A Deployment into which Istio injects its `gateway` template. Image, arguments and volumes come from the template, so
 * the proxy always matches the control plane. The fields set here override the template.
 */
function deployment(installation: GatewayInstallation, pods: GatewayPodSettings): object {
  const { name, labels, serviceAccountName, targetPort } = installation;
  return {
    replicas: pods.replicas, // left out with an autoscaler, or each apply would reset it
    selector: { matchLabels: labels },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: {
        labels: {
          ...pods.labels,
          ...labels,
          'app.kubernetes.io/name': name,
          [INJECT]: 'true',
          [DATAPLANE_MODE]: 'none',
          ...(pods.revision === undefined ? {} : { [REVISION]: pods.revision }),
        },
        annotations: {
          ...pods.annotations,
          [INJECTION_TEMPLATES]: 'gateway',
          [PROXY_CONFIG]: JSON.stringify(proxyConfig(pods)),
        },
      },
      spec: {
        serviceAccountName,
        // The proxy gets its identity from a token that the template mounts and does not need the API server's.
        automountServiceAccountToken: false,
        // The user comes from the template (1337, or what the platform assigns); here it is only required not to be
        // root.
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        // Kubernetes has pods complete a name before they ask for it as it is written (ndots 5): for partner.com they
        // would first ask for the Service partner of a namespace com.
        dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
        terminationGracePeriodSeconds: pods.drainSeconds + 10,
        nodeSelector: pods.nodeSelector,
        tolerations: pods.tolerations,
        topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
          topologyKey,
          maxSkew: 1,
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: labels },
        })),
        containers: [
          {
            name: PROXY_CONTAINER,
            image: 'auto',
            ports: [{ name: 'hop', containerPort: targetPort, protocol: 'TCP' }],
            resources: pods.resources,
            securityContext: {
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'] },
              privileged: false,
              readOnlyRootFilesystem: true,
              runAsNonRoot: true,
            },
          },
        ],
      },
    },
  };
}

/**
 * Two kinds of headers are added too late for a route to remove: Envoy's debug headers, which would reveal the private
 * name of the hop to the external host (`x-envoy-original-host`), and what counts the attempts of a request that is sent
 * again. All other headers are removed by each route, where that can be configured.
 */
function proxyConfig(pods: GatewayPodSettings): object {
  return {
    terminationDrainDuration: `${pods.drainSeconds}s`,
    proxyHeaders: { envoyDebugHeaders: { disabled: true }, attemptCount: { disabled: true } },
  };
}
