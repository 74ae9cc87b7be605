import { Chart } from 'cdk8s';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { EgressGuard, GuardMode } from '../../src/constructs/egress-guard';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { RegistryOnlyMesh } from '../../src/constructs/registry-only-mesh';
import { Caller } from '../../src/values/caller';
import { admissionProblems } from '../support/admission';
import { refusals } from '../support/admission-policies';
import { allManifests, errorOf, manifestsOf, newApp } from '../support/app';
import { guard } from '../support/guarded';
import { helmGateway } from '../support/helm-gateway';
import { asKubernetesKnowsIt } from '../support/kubernetes-schema';

test('one policy with its binding for each kind, for every namespace but the platform and in every version', () => {
  const [policy, binding, ...rest] = manifestsOf((chart) => new EgressGuard(chart, 'guard'), 'platform');
  expect([policy, binding]).toMatchInlineSnapshot(`
   [
     {
       "apiVersion": "admissionregistration.k8s.io/v1",
       "kind": "ValidatingAdmissionPolicy",
       "metadata": {
         "annotations": {
           "cdk8s-istio-egress/constructs": "chart/guard",
         },
         "labels": {
           "cdk8s-istio-egress/owner": "platform",
         },
         "name": "egress-guard-service-entries",
       },
       "spec": {
         "failurePolicy": "Fail",
         "matchConstraints": {
           "matchPolicy": "Equivalent",
           "namespaceSelector": {
             "matchExpressions": [
               {
                 "key": "kubernetes.io/metadata.name",
                 "operator": "NotIn",
                 "values": [
                   "istio-system",
                   "kube-system",
                 ],
               },
             ],
           },
           "resourceRules": [
             {
               "apiGroups": [
                 "networking.istio.io",
               ],
               "apiVersions": [
                 "v1",
                 "v1beta1",
                 "v1alpha3",
               ],
               "operations": [
                 "CREATE",
                 "UPDATE",
               ],
               "resources": [
                 "serviceentries",
               ],
             },
           ],
         },
         "validations": [
           {
             "expression": "object.?spec.?exportTo.orValue([]) == ['.']",
             "message": "A ServiceEntry is for its own namespace: write \`exportTo: ["."]\`. Seen by other namespaces, its hosts and addresses would take over their traffic. What all may use belongs in a namespace of the platform.",
             "reason": "Forbidden",
           },
           {
             "expression": "!object.?spec.?hosts.orValue([]).join(' ').contains('.svc.cluster.local') || !object.?spec.?hosts.orValue([]).exists(host, host.matches('^[^.]+[.]' + request.namespace + '[.]svc[.]cluster[.]local$'))",
             "message": "A ServiceEntry must not name a Service of its own namespace: what it says can apply to the Service itself, which all namespaces see. Give the entry another host, and the Service a \`selector\`.",
             "reason": "Forbidden",
           },
           {
             "expression": "object.?spec.?addresses.orValue([]).all(address, !address.lowerAscii().matches('^([0:]*:ffff:|240[.]240[.]|2001:0{0,3}2:(:|0{1,4}:))'))",
             "message": "Two ServiceEntries with the same IPv4 address that is written as IPv6 (\`::ffff:…\`) crash istiod, and addresses in 240.240.0.0/16 and 2001:2::/48, from which istiod allocates, take them from the entries of others, private ones too. Write IPv4 addresses as such, and other ones.",
             "reason": "Forbidden",
           },
           {
             "expression": "object.?spec.?hosts.orValue([]).size() * object.?spec.?ports.orValue([]).size() * (object.?spec.?workloadSelector.hasValue() ? 100 : object.?spec.?endpoints.orValue([]).size() > 1 ? object.?spec.?endpoints.orValue([]).size() : 1) <= 20000 && (!has(object.spec) || (has(object.spec.subjectAltNames) ? object.spec.subjectAltNames.size() : 0) <= 20 && (has(object.spec.subjectAltNames) ? object.spec.subjectAltNames.join('').size() : 0) <= 5000) && (object.?spec.?endpoints.orValue([]).map(endpoint, endpoint.?serviceAccount.orValue('')).filter(account, account != '').size() <= 20 || object.?spec.?endpoints.orValue([]).map(endpoint, endpoint.?serviceAccount.orValue('')).filter(account, account != '').filter(account, account != object.?spec.?endpoints.orValue([]).map(endpoint, endpoint.?serviceAccount.orValue('')).filter(account, account != '')[0]).size() <= 20)",
             "message": "A ServiceEntry has up to 20000 endpoints, for all its hosts and ports together, where a \`workloadSelector\` counts as 100, up to 20 \`subjectAltNames\`, of 5000 characters together, and up to 20 endpoints with another \`serviceAccount\` than the first: istiod keeps each of them, and each port has the names. Write several ServiceEntries.",
             "reason": "Forbidden",
           },
         ],
       },
     },
     {
       "apiVersion": "admissionregistration.k8s.io/v1",
       "kind": "ValidatingAdmissionPolicyBinding",
       "metadata": {
         "annotations": {
           "cdk8s-istio-egress/constructs": "chart/guard",
         },
         "labels": {
           "cdk8s-istio-egress/owner": "platform",
         },
         "name": "egress-guard-service-entries",
       },
       "spec": {
         "policyName": "egress-guard-service-entries",
         "validationActions": [
           "Deny",
         ],
       },
     },
   ]
  `);
  expect(rest.map(({ kind, metadata }) => [kind, metadata.name])).toMatchInlineSnapshot(`
   [
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-service-entry-statuses",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-service-entry-statuses",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-virtual-services",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-virtual-services",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-gateway-api",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-gateway-api",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-managed-gateways",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-managed-gateways",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-destination-rules",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-destination-rules",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-workload-entries",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-workload-entries",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-gateways",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-gateways",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-request-authentications",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-request-authentications",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-telemetries",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-telemetries",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-services",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-services",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-endpoints",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-endpoints",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-pod-addresses",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-pod-addresses",
     ],
     [
       "ValidatingAdmissionPolicy",
       "egress-guard-endpoint-slices",
     ],
     [
       "ValidatingAdmissionPolicyBinding",
       "egress-guard-endpoint-slices",
     ],
   ]
  `);
});

test.each([
  ['10.0.0.0/8', '10.244.0.0/16'],
  ['10.244.7.0/24', '10.244.0.0/16'],
])('machineCidrs: "%s" is refused beside pods in "%s"', (machines, pods) => {
  expect(() => guard({ machineCidrs: [machines], endpointCidrs: [pods] })).toThrow(
    `machineCidrs: "${machines}" overlaps "${pods}" of \`endpointCidrs\`, where pods are`,
  );
});

test('Kubernetes knows every field', () => {
  const manifests = manifestsOf((chart) => {
    const lock = new RegistryOnlyMesh(chart, 'lock', { namespaces: ['shop'] });
    new EgressGuard(chart, 'guard', {
      locks: [lock],
      endpointCidrs: ['10.0.0.0/8'],
      machineCidrs: ['172.16.0.0/16'],
      sharedGateways: ['a/b'],
    });
  }).filter(({ apiVersion }) => !apiVersion.includes('istio'));
  expect(manifests).toHaveLength(32);
  for (const manifest of manifests) {
    expect(asKubernetesKnowsIt(manifest)).toEqual(manifest);
    expect(admissionProblems(manifest)).toEqual([]);
  }
});

test("what the app's own constructs write into other namespaces passes", () => {
  const app = newApp();
  const platform = new Chart(app, 'platform', { namespace: 'platform' });
  new EgressGuard(platform, 'guard', { locks: [new RegistryOnlyMesh(platform, 'lock')] });
  const exit = new EgressGateway(platform, 'exit', { namespace: 'egress' });
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  const partner = new GatewayEgress(shop, 'partner', {
    gateway: exit,
    hosts: ['api.partner.com'],
    callers: [Caller.serviceAccount('shop', 'checkout')],
  });
  partner.originateTls('tls');
  const manifests = allManifests(app);
  const ours = manifests.filter(({ apiVersion }) => !apiVersion.startsWith('admissionregistration'));
  expect(ours.filter(({ metadata }) => metadata.namespace === 'shop').length).toBeGreaterThan(2);
  expect(ours.flatMap((object) => refusals(manifests, { object }))).toEqual([]);
});

test('the namespaces of the platform are those that are named, those of its gateways, and the root namespace', () => {
  const [policy] = manifestsOf((chart) => {
    new EgressGuard(chart, 'guard', { platformNamespaces: ['monitoring'], rootNamespace: 'mesh' });
    helmGateway(chart); // declared later, and known all the same
  }, 'platform');
  expect(policy.spec.matchConstraints.namespaceSelector.matchExpressions).toEqual([
    {
      key: 'kubernetes.io/metadata.name',
      operator: 'NotIn',
      values: ['egress', 'kube-system', 'mesh', 'monitoring'],
    },
  ]);
});

test.each([
  [undefined, 'Deny'],
  [GuardMode.ENFORCE, 'Deny'],
  [GuardMode.WARN, 'Warn'],
  [GuardMode.AUDIT, 'Audit'],
])('mode %s: the bindings say %s', (mode, action) => {
  const bindings = manifestsOf((chart) => new EgressGuard(chart, 'guard', { mode })).filter(({ kind }) =>
    kind.endsWith('Binding'),
  );
  expect(bindings.map(({ spec }) => spec.validationActions)).toEqual(bindings.map(() => [action]));
});

test('names, labels and annotations are a choice, and no policy has a namespace', () => {
  const manifests = manifestsOf(
    (chart) => new EgressGuard(chart, 'guard', { name: 'mesh', labels: { a: 'b' }, annotations: { c: 'd' } }),
  );
  for (const { metadata } of manifests) {
    expect(metadata).toEqual({
      name: expect.stringMatching(/^mesh-/),
      labels: { a: 'b', 'cdk8s-istio-egress/owner': 'payments' },
      annotations: { c: 'd', 'cdk8s-istio-egress/constructs': 'chart/guard' },
    });
  }
});

test('everything that is wrong is told at once', () => {
  expect(
    errorOf(() =>
      manifestsOf(
        (chart) =>
          new EgressGuard(chart, 'guard', {
            platformNamespaces: ['Egress'],
            rootNamespace: '',
            sharedGateways: ['public'],
            endpointCidrs: ['10.0.0.0'],
            machineCidrs: ['0.0.0.0/0'],
            clusterDomain: 'cluster local',
            name: 'x.y',
          }),
      ),
    ),
  ).toMatchInlineSnapshot(`
   "[chart/guard] EgressGuard: 7 problems:
     - platformNamespaces[0]: "Egress" is not a valid namespace: Kubernetes allows at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit
     - rootNamespace: "" is not a valid namespace: Kubernetes allows at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit
     - sharedGateways[0]: "public" is not <namespace>/<name> of a Gateway; write one such as "istio-ingress/public"
     - endpointCidrs[0]: "10.0.0.0" has no mask; for this one address write "10.0.0.0/32"
     - machineCidrs[0]: "0.0.0.0/0" covers every address, those of pods too; write the ranges of your virtual machines
     - clusterDomain: "cluster local" is not a valid DNS domain: Kubernetes allows at most 253 lower-case letters, digits, "-" and ".", with a letter or digit at both ends and beside each "."
     - name: "x.y" is not a valid name: Kubernetes allows at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit"
  `);
});

test('a guard and a lock that mean different root namespaces stop synth', () => {
  expect(
    errorOf(() => {
      const app = newApp();
      const chart = new Chart(app, 'platform');
      new RegistryOnlyMesh(chart, 'lock', { rootNamespace: 'mesh' });
      new EgressGuard(chart, 'guard');
      app.synth();
    }),
  ).toMatch(/mesh-conflict.*rootNamespace/s);
});
