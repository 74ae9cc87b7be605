import { ownLabels } from '../../src/model/objects/gateways/standard';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { errorOf } from '../support/app';

const facts = ({
  name,
  namespace,
  labels,
  serviceAccountName,
  targetPort,
  hopServiceHost,
  spiffeId,
}: GatewayInstallation) => ({ name, namespace, labels, serviceAccountName, targetPort, hopServiceHost, spiffeId });

test('what the Helm chart installs under its usual name', () => {
  expect(facts(GatewayInstallation.helmChart({ namespace: 'egress' }))).toMatchInlineSnapshot(`
{
  "hopServiceHost": "istio-egressgateway-hop.egress.svc.cluster.local",
  "labels": {
    "app": "istio-egressgateway",
    "istio": "egressgateway",
  },
  "name": "istio-egressgateway",
  "namespace": "egress",
  "serviceAccountName": "istio-egressgateway",
  "spiffeId": "spiffe://cluster.local/ns/egress/sa/istio-egressgateway",
  "targetPort": 443,
}
`);
});

test('what the Helm chart installs under another name: only the prefix "istio-" is taken off the label', () => {
  expect(GatewayInstallation.helmChart({ namespace: 'egress', release: 'team-istio-exit' }).labels).toEqual({
    app: 'team-istio-exit',
    istio: 'team-istio-exit',
  });
});

test('what istioctl installs from an IstioOperator file', () => {
  expect(facts(GatewayInstallation.istioOperator({ namespace: 'istio-egress', name: 'exit' }))).toMatchInlineSnapshot(`
{
  "hopServiceHost": "exit-hop.istio-egress.svc.cluster.local",
  "labels": {
    "app": "istio-egressgateway",
    "istio": "egressgateway",
  },
  "name": "exit",
  "namespace": "istio-egress",
  "serviceAccountName": "exit-service-account",
  "spiffeId": "spiffe://cluster.local/ns/istio-egress/sa/exit-service-account",
  "targetPort": 8443,
}
`);
  expect(GatewayInstallation.istioOperator({ namespace: 'a' }).serviceAccountName).toBe(
    'istio-egressgateway-service-account',
  );
});

test('your own Deployment is described completely, in other domains too', () => {
  const installation = GatewayInstallation.deployment({
    namespace: 'egress',
    name: 'exit',
    labels: { app: 'exit' },
    serviceAccountName: 'runner',
    targetPort: 9443,
    trustDomain: 'td_1.example.org',
    clusterDomain: 'k8s',
  });
  expect(facts(installation)).toEqual({
    name: 'exit',
    namespace: 'egress',
    labels: { app: 'exit' },
    serviceAccountName: 'runner',
    targetPort: 9443,
    hopServiceHost: 'exit-hop.egress.svc.k8s',
    spiffeId: 'spiffe://td_1.example.org/ns/egress/sa/runner',
  });
  expect(
    GatewayInstallation.deployment({
      namespace: 'egress',
      name: 'exit',
      labels: { app: 'exit' },
      serviceAccountName: 'runner',
    }).targetPort,
  ).toBe(8443);
});

test('an installation keeps its labels, whatever happens to the options afterwards', () => {
  const labels: Record<string, string> = { app: 'exit' };
  const installation = GatewayInstallation.deployment({
    namespace: 'egress',
    name: 'exit',
    labels,
    serviceAccountName: 'exit',
  });
  labels.app = 'other';
  expect(installation.labels).toEqual({ app: 'exit' });
});

test('all problems are in one error, each with its cure', () => {
  const message = errorOf(() =>
    GatewayInstallation.deployment({
      namespace: 'Egress',
      name: 'exit.1',
      labels: {},
      serviceAccountName: 'a b',
      targetPort: 0,
      trustDomain: 'Example.org',
      clusterDomain: 'cluster..local',
    }),
  );
  for (const part of [
    'GatewayInstallation.deployment: 7 problems:',
    'name: "exit.1" is not a valid name of a gateway: Kubernetes allows',
    'namespace: "Egress" is not a valid namespace: Kubernetes allows',
    'labels: no labels, which would select every pod of the namespace; name at least one label',
    'serviceAccountName: "a b" is not a valid service account: Kubernetes allows',
    'targetPort: 0 is not a port number: ports are',
    'trustDomain: "Example.org" is not a valid trust domain; write the mesh\'s `trustDomain`, such as "cluster.local"',
    'clusterDomain: "cluster..local" is not a valid DNS domain: Kubernetes allows',
  ])
    expect(message).toContain(part);
});

test('a trust domain of another kind is refused', () => {
  expect(errorOf(() => GatewayInstallation.helmChart({ namespace: 'egress', trustDomain: 1 as any }))).toContain(
    'trustDomain: 1 is not a valid trust domain',
  );
});

test('a name that leaves no room for the hop Service is refused, with the maximum', () => {
  expect(GatewayInstallation.helmChart({ namespace: 'egress', release: 'a'.repeat(59) }).hopServiceName).toHaveLength(
    63,
  );
  expect(errorOf(() => GatewayInstallation.helmChart({ namespace: 'egress', release: 'a'.repeat(60) }))).toContain(
    'is 60 characters long; its hop Service is called "<name>-hop", so a name may have at most 59',
  );
});

test.each(['egress-gateway', 'e'.repeat(59)])('the model knows the pods of the gateway %s', (name) => {
  const { labels } = GatewayInstallation.egressGateway({ namespace: 'egress', name });
  expect(ownLabels({ namespace: 'egress', name })).toEqual(labels);
});
