import { ApiObject, Chart, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope } from './_app-scope';
import { gatewayDeployment } from './_gateway-deployment';
import { hopService } from './_hop-service';
import { OneOf } from './_one-of';
import { checkMetadata, where } from './_settings';
import { IEgressGateway } from './installed-egress-gateway';
import { AuthorizationPolicy, AuthorizationPolicySpec } from '../../imports/security.istio.io';
import { assertListeningPort } from '../values/egress-port';
import { GatewayInstallation } from '../values/gateway-installation';
import { HOP_DOMAIN } from '../values/host-name';
import { assertDnsLabel, assertLabels } from '../values/names';
import { Problems } from '../values/problems';
import { assertQuantity } from '../values/quantity';

/** How many pods a gateway has, by what they are busy with. */
export interface EgressGatewayScaling {
  /**
   * Never fewer pods than this.
   *
   * @default 2
   */
  readonly minReplicas?: number;

  /**
   * Never more pods than this.
   *
   * @default 5
   */
  readonly maxReplicas?: number;

  /**
   * The average CPU use, in percent of what is requested, that more pods are started at.
   *
   * @default 80
   */
  readonly targetCpuPercent?: number;
}

/** What each pod of a gateway asks of its node, as Kubernetes quantities. */
export interface EgressGatewayResources {
  /**
   * CPU that is reserved. Scaling counts in percent of it.
   *
   * @default "100m"
   */
  readonly cpuRequest?: string;

  /**
   * CPU that is not exceeded. The proxy starts as many threads as whole CPUs.
   *
   * @default "2"
   */
  readonly cpuLimit?: string;

  /**
   * Memory that is reserved.
   *
   * @default "128Mi"
   */
  readonly memoryRequest?: string;

  /**
   * Memory at which the pod is ended.
   *
   * @default "1Gi"
   */
  readonly memoryLimit?: string;
}

/** A taint of nodes that a gateway's pods put up with. */
export interface EgressGatewayToleration {
  /** The key of the taint. */
  readonly key: string;

  /**
   * The value of the taint.
   *
   * @default - any
   */
  readonly value?: string;

  /**
   * The effect of the taint: `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
   *
   * @default - any
   */
  readonly effect?: string;
}

/** Properties for `EgressGateway`. */
export interface EgressGatewayProps {
  /**
   * The namespace of the gateway's pods. No caller may live in it: give the gateway one of its own. It must not
   * be labelled `istio-injection: disabled`, or Istio leaves the pods without a proxy image and they never start.
   *
   * @default - the namespace of the chart
   */
  readonly namespace?: string;

  /**
   * The name of the gateway, unique in its namespace: of its Deployment, service account and everything else.
   *
   * @default "egress-gateway"
   */
  readonly name?: string;

  /**
   * The control plane's revision that injects the proxy (`istio.io/rev`).
   *
   * @default - the default revision
   */
  readonly revision?: string;

  /**
   * The port on which the pods listen for the hop.
   *
   * @default 8443
   */
  readonly targetPort?: number;

  /**
   * The trust domain in the mesh's certificates (`meshConfig.trustDomain`).
   *
   * @default "cluster.local"
   */
  readonly trustDomain?: string;

  /**
   * The domain of Kubernetes Services.
   *
   * @default "cluster.local"
   */
  readonly clusterDomain?: string;

  /**
   * A fixed number of pods. Not together with `scaling`.
   *
   * @default - scaled
   */
  readonly replicas?: number;

  /**
   * Between which numbers of pods, and by what, the gateway is scaled.
   *
   * @default - 2 to 5 pods, at 80 % of the requested CPU
   */
  readonly scaling?: EgressGatewayScaling;

  /**
   * What each pod asks of its node.
   *
   * @default - 100m to 2 CPUs, 128Mi to 1Gi of memory
   */
  readonly resources?: EgressGatewayResources;

  /**
   * How long a pod that is going away still serves its open connections.
   *
   * @default Duration.seconds(20)
   */
  readonly drainTime?: Duration;

  /**
   * Labels of the nodes that the pods may run on. Istio's documentation recommends nodes of their own, which alone may
   * reach the outside.
   *
   * @default - any node
   */
  readonly nodeSelector?: Record<string, string>;

  /**
   * Taints of nodes that the pods put up with.
   *
   * @default - none
   */
  readonly tolerations?: EgressGatewayToleration[];

  /**
   * Labels on every object, and on the pods.
   *
   * @default - those of the chart
   */
  readonly labels?: Record<string, string>;

  /**
   * Annotations on every object.
   *
   * @default - none
   */
  readonly annotations?: Record<string, string>;

  /**
   * Annotations on the pods.
   *
   * @default - none besides what makes them a gateway
   */
  readonly podAnnotations?: Record<string, string>;
}

/** Labels and annotations by which Istio or this library know the pods. */
const RESERVED = /(^|\.)istio\.io\/|^cdk8s-istio-egress\//;

/**
 * Installs an egress gateway: the pods, whom they run as, how many there are, and the Service through which sidecars
 * reach them.
 *
 * The pods carry a label of their own, so that no Gateway object written for another gateway lands on them; they run
 * without any privilege; and they are set up to add no header to requests. Nothing is let through until a
 * `GatewayEgress` asks for it. `lockdown()` refuses whatever else somebody puts on these pods.
 *
 * Several gateways in one app or namespace need different names, and share nothing.
 *
 * @see https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway
 */
export class EgressGateway extends Construct implements IEgressGateway {
  /** Where the gateway's pods are, how they are labelled, as whom they run. */
  public readonly installation: GatewayInstallation;

  /** The service account of the pods. */
  public readonly serviceAccount: ApiObject;

  /** The Deployment with the gateway's pods. */
  public readonly deployment: ApiObject;

  /** The hop Service. */
  public readonly service: ApiObject;

  private readonly policies: Construct;
  private readonly metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
  private lock?: ApiObject;

  constructor(scope: Construct, id: string, props: EgressGatewayProps = {}) {
    super(scope, id);
    const problems = new Problems(where(this));
    const installation = this.readInstallation(props, problems);
    const pods = this.readPods(props, problems);
    checkMetadata(props, problems);
    problems.throwIfAny();
    this.installation = installation!;
    this.metadata = { labels: props.labels, annotations: props.annotations };

    const app = AppScope.of(this);
    app.describeGateway(this, this.installation);
    app.validate(this);
    const { name, namespace } = this.installation;
    OneOf.gateway(app, namespace, name).state(this, this.node.path);
    const metadata = { ...this.metadata, name, namespace };
    const emit = (objectId: string, apiVersion: string, kind: string, fields: object) =>
      app.emitKubernetes(this, this, objectId, { apiVersion, kind, metadata, ...fields });

    this.serviceAccount = emit('service-account', 'v1', 'ServiceAccount', {});
    // istiod hands a proxy the Secrets of its namespace only when its service account may read them (client
    // certificates).
    emit('role', 'rbac.authorization.k8s.io/v1', 'Role', {
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] }],
    });
    emit('role-binding', 'rbac.authorization.k8s.io/v1', 'RoleBinding', {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
    this.policies = new Construct(this, 'policies'); // what refuses is there before the pods are
    this.deployment = emit('Resource', 'apps/v1', 'Deployment', { spec: gatewayDeployment(this.installation, pods) });
    this.service = hopService(this, 'service', this.installation, this.metadata);
    const selector = { matchLabels: this.installation.labels };
    if ((pods.replicas ?? pods.minReplicas) > 1) {
      emit('pod-disruption-budget', 'policy/v1', 'PodDisruptionBudget', {
        spec: { selector, maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      });
    }
    if (pods.replicas === undefined) {
      emit('horizontal-pod-autoscaler', 'autoscaling/v2', 'HorizontalPodAutoscaler', {
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
          minReplicas: pods.minReplicas,
          maxReplicas: pods.maxReplicas,
          metrics: [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: pods.targetCpuPercent } },
            },
          ],
        },
      });
    }
  }

  /**
   * Refuses every request on these pods that no construct of this library asked for, whoever else binds a Gateway to
   * them.
   *
   * Adds one policy, of the same size for any number of hosts: what comes without a mesh identity, or for another
   * server name than the private ones of `GatewayEgress`, is answered with 403 or closed. Once is enough; there is no
   * way back but leaving it out.
   *
   * @see https://istio.io/latest/docs/reference/config/security/authorization-policy/
   */
  public lockdown(): ApiObject {
    if (!this.lock) {
      AppScope.of(this).lockGateway(this.installation);
      const { name, namespace } = this.installation;
      const metadata = { ...this.metadata, name: `${name}-lockdown`, namespace };
      this.lock = AppScope.of(this).emit(this, this.policies, 'lockdown', AuthorizationPolicy, metadata, () =>
        this.lockdownPolicy(),
      );
    }
    return this.lock;
  }

  /** Whether `lockdown()` was called. */
  public get isLockedDown(): boolean {
    return this.lock !== undefined;
  }

  /** Every object of this construct, in the order in which it can be applied. */
  public get apiObjects(): ApiObject[] {
    return this.node.findAll().filter((construct): construct is ApiObject => ApiObject.isApiObject(construct));
  }

  /** Servers under these names check their callers themselves; nobody else's server can have them by accident. */
  private lockdownPolicy(): AuthorizationPolicySpec {
    return {
      selector: { matchLabels: this.installation.labels },
      action: 'ALLOW' as any,
      rules: [
        { from: [{ source: { principals: ['*'] } }], when: [{ key: 'connection.sni', values: [`*.${HOP_DOMAIN}`] }] },
      ],
    };
  }

  private readInstallation(props: EgressGatewayProps, problems: Problems): GatewayInstallation | undefined {
    const namespace = props.namespace ?? Chart.of(this).namespace;
    if (namespace === undefined) {
      problems.add('namespace: none given, and the chart has none; give the gateway a namespace of its own');
      return undefined;
    }
    if (props.targetPort !== undefined) problems.check('targetPort', () => assertListeningPort(props.targetPort!));
    const { name, trustDomain, clusterDomain, targetPort } = props;
    return problems.check('name, namespace', () =>
      GatewayInstallation.egressGateway({ namespace, name, trustDomain, clusterDomain, targetPort }),
    );
  }

  private readPods(props: EgressGatewayProps, problems: Problems) {
    const { replicas, scaling, resources = {}, drainTime = Duration.seconds(20) } = props;
    const whole = (prop: string, value: number | undefined, least: number) => {
      if (value !== undefined && (!Number.isInteger(value) || value < least))
        problems.add(`${prop}: ${value} is no whole number from ${least} up`);
    };
    const { minReplicas = 2, maxReplicas = Math.max(5, minReplicas), targetCpuPercent = 80 } = scaling ?? {};
    if (replicas !== undefined && scaling)
      problems.add('replicas, scaling: both are given, and the autoscaler would overrule the fixed number; keep one');
    whole('replicas', replicas, 1);
    whole('scaling.minReplicas', minReplicas, 1);
    whole('scaling.maxReplicas', maxReplicas, 1);
    whole('scaling.targetCpuPercent', targetCpuPercent, 1);
    if (maxReplicas < minReplicas)
      problems.add(`scaling: ${maxReplicas} pods at most are fewer than ${minReplicas} at least`);
    const { cpuRequest = '100m', cpuLimit = '2', memoryRequest = '128Mi', memoryLimit = '1Gi' } = resources;
    for (const [name, value] of Object.entries({ cpuRequest, cpuLimit, memoryRequest, memoryLimit }))
      problems.check(`resources.${name}`, () => assertQuantity(value));
    if (props.revision !== undefined) problems.check('revision', () => assertDnsLabel(props.revision!, 'revision'));
    if (drainTime.toMilliseconds() < 1000)
      problems.add(
        'drainTime: shorter than a second, so open connections would be cut at every rollout; give at least ' +
          'Duration.seconds(1)',
      );
    if (props.nodeSelector && Object.keys(props.nodeSelector).length === 0)
      problems.add('nodeSelector: empty; leave it out for any node');
    else if (props.nodeSelector) problems.check('nodeSelector', () => assertLabels(props.nodeSelector!));
    for (const prop of ['labels', 'podAnnotations'] as const) {
      const taken = Object.keys(props[prop] ?? {}).filter((key) => RESERVED.test(key));
      if (taken.length > 0)
        problems.add(
          `${prop}: ${taken.join(', ')} decide how the pods are injected and found, which is this construct's ` +
            'own matter; leave them out',
        );
    }
    return {
      replicas,
      minReplicas,
      maxReplicas,
      targetCpuPercent,
      drainSeconds: Math.ceil(drainTime.toSeconds({ integral: false })),
      resources: {
        requests: { cpu: cpuRequest, memory: memoryRequest },
        limits: { cpu: cpuLimit, memory: memoryLimit },
      },
      revision: props.revision,
      nodeSelector: props.nodeSelector,
      tolerations: props.tolerations?.map(({ key, value, effect }) => ({
        key,
        operator: value === undefined ? 'Exists' : 'Equal',
        value,
        effect,
      })),
      labels: { ...Chart.of(this).labels, ...props.labels },
      annotations: props.podAnnotations,
    };
  }
}
