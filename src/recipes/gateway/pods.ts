import { ApiObjectMetadata } from 'cdk8s';
import { hopService } from './hop-service';
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

/** The identity of a gateway's pods, and what it may do. */
export function gatewayAccount(installation: GatewayInstallation, given: ApiObjectMetadata): RecipeObject[] {
  const { name, namespace } = installation;
  const rbac = 'rbac.authorization.k8s.io';
  const common = { side: 'gateway', rank: Rank.FIRST, metadata: { ...given, name, namespace } } as const;
  return [
    { ...common, id: 'service-account', kind: { apiVersion: 'v1', kind: 'ServiceAccount' } },
    // istiod only delivers Secrets with client certificates to a proxy whose service account may read them.
    {
      ...common,
      id: 'role',
      kind: { apiVersion: `${rbac}/v1`, kind: 'Role' },
      fields: { rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] }] },
    },
    {
      ...common,
      id: 'role-binding',
      kind: { apiVersion: `${rbac}/v1`, kind: 'RoleBinding' },
      fields: {
        roleRef: { apiGroup: rbac, kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace }],
      },
    },
  ];
}

/** A gateway's pods, the Service through which sidecars reach them, and their scaling. */
export function gatewayPods(
  installation: GatewayInstallation,
  pods: GatewayPodSettings,
  given: ApiObjectMetadata,
): RecipeObject[] {
  const { name, namespace, labels } = installation;
  const common = { side: 'gateway', rank: Rank.LAST, metadata: { ...given, name, namespace } } as const;
  const objects: RecipeObject[] = [
    {
      ...common,
      id: 'Resource',
      kind: { apiVersion: 'apps/v1', kind: 'Deployment' },
      spec: () => deployment(installation, pods),
    },
    hopService('service', installation, given),
  ];
  if ((pods.replicas ?? pods.minReplicas) > 1)
    objects.push({
      ...common,
      id: 'pod-disruption-budget',
      kind: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' },
      spec: () => ({
        selector: { matchLabels: labels },
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      }),
    });
  if (pods.replicas === undefined)
    objects.push({
      ...common,
      id: 'horizontal-pod-autoscaler',
      kind: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' },
      spec: () => autoscaler(name, pods),
    });
  return objects;
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
          'sidecar.istio.io/inject': 'true',
          'istio.io/dataplane-mode': 'none',
          ...(pods.revision === undefined ? {} : { 'istio.io/rev': pods.revision }),
        },
        annotations: {
          ...pods.annotations,
          'inject.istio.io/templates': 'gateway',
          'proxy.istio.io/config': JSON.stringify(proxyConfig(pods)),
        },
      },
      spec: {
        serviceAccountName,
        // The proxy gets its identity from a token that the template mounts and does not need the API server's.
        automountServiceAccountToken: false,
        // The user comes from the template (1337, or what the platform assigns); here it is only required not to be
        // root.
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
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
            name: 'istio-proxy',
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
 * Envoy's debug headers would reveal the private name of the hop to the external host (`x-envoy-original-host`), and
 * they are added too late for a route to remove. All other headers are removed by each route, where that can be
 * configured.
 */
function proxyConfig(pods: GatewayPodSettings): object {
  return {
    terminationDrainDuration: `${pods.drainSeconds}s`,
    proxyHeaders: { envoyDebugHeaders: { disabled: true } },
  };
}
