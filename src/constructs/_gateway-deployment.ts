import { GatewayInstallation } from '../values/gateway-installation';

/** What is asked for the pods of an `EgressGateway`, checked. */
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
 * A Deployment into which Istio injects its template `gateway`: image, arguments and volumes come from there, so that
 * the proxy always fits the control plane. What stands here is laid over the template.
 */
export function gatewayDeployment(installation: GatewayInstallation, pods: GatewayPodSettings): object {
  const { name, labels, serviceAccountName, targetPort } = installation;
  return {
    replicas: pods.replicas, // none where an autoscaler decides, or each apply would set it back
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
        // The proxy takes its identity from a token that the template mounts; the one for the API server serves
        // nothing.
        automountServiceAccountToken: false,
        // Whom it runs as comes from the template (1337, or what the platform assigns); here only: never root.
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
 * Envoy's debug headers would tell the external host the private name of the hop (`x-envoy-original-host`), after the
 * point where a route can remove headers. All other headers are taken off by each route, where that can be adjusted.
 */
function proxyConfig(pods: GatewayPodSettings): object {
  return {
    terminationDrainDuration: `${pods.drainSeconds}s`,
    proxyHeaders: { envoyDebugHeaders: { disabled: true } },
  };
}
