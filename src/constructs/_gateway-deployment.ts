import { GatewayInstallation } from '../values/gateway-installation';

/** The validated settings for the pods of an `EgressGateway`. */
export interface GatewayPodSettings {
  readonly replicas?: number;
  readonly drainSeconds: number;
  readonly resources: object;
  readonly revision?: string;
  readonly nodeSelector?: Record<string, string>;
  readonly tolerations?: object[];
  readonly labels: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

/**
 * A Deployment into which Istio injects its `gateway` template. Image, arguments and volumes come from the template, so
 * the proxy always matches the control plane. The fields set here override the template.
 */
export function gatewayDeployment(installation: GatewayInstallation, pods: GatewayPodSettings): object {
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
