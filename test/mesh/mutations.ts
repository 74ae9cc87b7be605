/**
 * For each proof on the mesh that a page names: what is taken from the manifests, or from the settings of the mesh, that
 * the promise rests on. The row must then fail (suite `promises`, which sets MESH_MUTATION for the runs that it starts).
 */
import type { KubeObject } from './lab/kubernetes';
import type { MeshSettings } from '../../src/access/access-table';

export interface Mutation {
  /** What an object becomes; `undefined` takes it away. @default - objects stay */
  readonly change?: (object: KubeObject) => KubeObject | undefined;
  /** Settings of the mesh that are not what the row states. */
  readonly mesh?: MeshSettings;
  /** A values file that is used instead. */
  readonly helmValues?: string;
  /** The example, where a suite asks many. */
  readonly example?: string;
  /** More of the test's name, where a row stands for many tests. */
  readonly like?: string;
}

type Change = NonNullable<Mutation['change']>;

const drop =
  (kind: string, name = /./): Change =>
  (object) =>
    object.kind === kind && name.test(object.metadata.name) ? undefined : object;
const dropFields =
  (kind: string, ...fields: string[]): Change =>
  (object) =>
    object.kind !== kind
      ? object
      : JSON.parse(JSON.stringify(object, (name, value) => (fields.includes(name) ? undefined : value)));
const replace =
  (kind: string, what: RegExp, by: string): Change =>
  (object) =>
    object.kind === kind ? JSON.parse(JSON.stringify(object).replace(what, by)) : object;

/** What else it says of certificates goes: Istio refuses it beside that. */
const unverified: Change = (object) =>
  object.kind !== 'DestinationRule'
    ? object
    : JSON.parse(JSON.stringify(object), (_, value) =>
        value?.mode === 'SIMPLE' ? { mode: 'SIMPLE', sni: value.sni, insecureSkipVerify: true } : value,
      );
const anyCaller = dropFields('Gateway', 'subjectAltNames');
/** A policy of the gateway, where the other team of `open-connections` has a server of its own. */
const policyInPlaceOfServer: Change = (object) =>
  object.kind === 'Gateway' && JSON.stringify(object).includes('/ns/web/')
    ? {
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: { name: object.metadata.name, namespace: object.metadata.namespace },
        spec: {
          action: 'DENY',
          rules: [{ from: [{ source: { principals: ['cluster.local/ns/nobody/sa/nobody'] } }] }],
        },
      }
    : object;
/** One server for the hops of both teams of `revocation`. */
const sharedServer: Change = (object) =>
  object.kind === 'Gateway' && JSON.stringify(object).includes('/ns/web/')
    ? undefined
    : replace('Gateway', /http-80[.][0-9a-f]+(?=[.]egress)/g, '*')(object);
const otherCaller = replace('AuthorizationPolicy', /sa\/checkout/g, 'sa/crawler');
/** All paths have one key. */
const sameHopNames: Change = (object) =>
  JSON.parse(JSON.stringify(object).replace(/[0-9a-f]{20}(?=\.egress)/g, '0123456789abcdef0123'));
const headersStay = dropFields('VirtualService', 'headers');
const noNetworkPolicy = drop('NetworkPolicy');
const unguarded = drop('ValidatingAdmissionPolicyBinding');
/** The policies check every namespace. */
const everywhere = dropFields('ValidatingAdmissionPolicy', 'namespaceSelector');
const open: MeshSettings = { outboundTrafficPolicy: 'ALLOW_ANY' };
const unscoped: MeshSettings = { scopeGatewayToNamespace: false };

/** By suite and row, as the markers name them. */
export const MUTATIONS: Record<string, Mutation> = {
  'examples/f-tls-at-gateway "checkout http://"': {
    change: replace('DestinationRule', /"mode":"SIMPLE"/g, '"mode":"DISABLE"'),
  },
  'examples/f-tls-at-gateway "checkout https://"': { change: dropFields('VirtualService', 'tls') },
  'examples/f-tls-at-gateway "crawler http"': { change: anyCaller },
  'examples/a2-locked-mesh "sleep https://www.aliyun.com/"': { change: drop('Sidecar') },
  'examples/boundary "rogue https://anywhere.example.com/"': { change: noNetworkPolicy },
  'examples/boundary "checkout http://wiki.partner.com/"': { change: dropFields('NetworkPolicy', 'except') },
  'examples/d-tls-at-sidecar "sleep https://www.aliyun.com/"': { change: drop('ServiceEntry') },
  'examples/d-tls-at-sidecar "sleep http://www.aliyun.com/"': { change: headersStay },
  'fail-closed "without "': { change: drop('Sidecar'), mesh: open, example: 'f-tls-at-gateway' },
  'fail-closed "complete: certificates are checked"': { change: unverified, example: 'f-tls-at-gateway' },
  'authorities "any other certificate is refused then"': { change: unverified },
  'authorities "a certificate that %s does not have the name, and is refused"': { change: unverified },
  'authorities "an authority that may give no such DNS name gives it all the same, and is refused"': {
    change: unverified,
  },
  'round-the-gateway "every form of request arrives from the gateway or not at all"': {
    mesh: open,
    change: drop('Sidecar'),
    example: 'f-tls-at-gateway',
  },
  'round-the-gateway "what bypasses the gateway is what the page says"': { change: drop('VirtualService') },
  'round-the-gateway "what a sidecar does not take for HTTP bypasses it in plaintext"': {
    mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  },
  'round-the-gateway "what comes later bypasses it"': {
    helmValues: 'meshConfig: { protocolDetectionTimeout: 0s, outboundTrafficPolicy: { mode: ALLOW_ANY } }',
  },
  'leaks "http://%s receives exactly what the application sent"': { change: headersStay },
  'leaks "http://%s has its removal undone where the request is sent again"': { change: headersStay },
  'leaks "an application\'s header with a name that proxies use does not leave"': { change: headersStay },
  'leaks "http://%s learns nothing of a request that is sent again"': {
    change: replace('Deployment', /(attemptCount\\":{\\"disabled\\":)true/, '$1false'),
  },
  'tracing "no host receives anything of it"': { change: drop('Telemetry', /trace-context/), like: 'skywalking' },
  'beside "created in this order: %s"': { change: sameHopNames },
  'helm-values "an entry of another namespace takes no address, except one of a namespace that shares"': {
    helmValues: 'meshConfig: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }',
  },
  'helm-values "a Gateway of another namespace with a name of the hop has no effect"': {
    helmValues: 'meshConfig: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }',
  },
  'helm-values "undeclared hosts are refused"': { helmValues: 'meshConfig: {}' },
  'lockdown "declared hosts pass, each by its own gateway"': { change: drop('VirtualService') },
  'foreign-objects "istiod\'s settings without objects of others all rows hold"': { change: drop('VirtualService') },
  'lockdown "a stranger\'s server is refused: %s"': {
    change: drop('AuthorizationPolicy', /lockdown/),
    like: 'mutual TLS',
  },
  'callers "unnamed callers are refused beside %s"': {
    change: (object) => (object.spec?.action === 'DENY' ? undefined : object),
    like: 'an empty rule',
  },
  'callers "allowed callers are answered; others get 403"': { change: otherCaller },
  'callers "the gateway logs the identity of refused callers"': { change: otherCaller },
  'callers "every account of the namespace is answered, and no other"': {
    change: replace('AuthorizationPolicy', /ns\/web\//g, 'ns/nobody/'),
  },
  'callers "another namespace with its own caller sides is refused, with and without the policies"': {
    change: drop('AuthorizationPolicy', /lockdown/),
  },
  'callers "nobody of the alias is let in as a whole namespace"': {
    change: replace('AuthorizationPolicy', /ns\/web\/\*/g, 'ns/web/sa/*'),
  },
  'boundary "the gateway reaches no metadata service"': { change: dropFields('NetworkPolicy', 'except') },
  "boundary \"the gateway's pods are reached from their callers' namespaces, on the hop's port only\"": {
    change: noNetworkPolicy,
  },
  'boundary "older objects of the namespace itself, which make Istio bypass the gateway, lead nowhere"': {
    change: noNetworkPolicy,
  },
  'boundary "a DirectEgress is open for its own pods, on every port of its range"': { change: noNetworkPolicy },
  'boundary "a SidecarEgress by name opens its ports to every address, as its policy says, and no other port"': {
    change: noNetworkPolicy,
  },
  'foreign-objects "no measures route in another namespace, older"': {
    change: replace('VirtualService', /("name":"(?!foreign).*)"exportTo":\["\."\]/, '$1"exportTo":["*"]'),
  },
  'foreign-objects "istiod\'s settings address in another namespace, older"': {
    mesh: { serviceEntryVisibility: undefined },
  },
  'foreign-objects "a lock that imports less address in another namespace, older"': {
    change: replace('Sidecar', /"istio-system\/\*"/, '"*/*"'),
  },
  'guard "a route of an own Service to a private host of its callers"': { change: unguarded },
  'guard "a route of an own Service with a regular expression that only Go takes"': { change: unguarded },
  'guard "a route of an own Service with a command that Envoy does not know"': { change: unguarded },
  'guard "a route of an own Service with a duration that Envoy does not know"': { change: unguarded },
  'guard "a rule of an own Service with a duration that Envoy does not know"': { change: unguarded },
  'guard "a rule of an own Service with a ring that fills the memory of proxies"': { change: unguarded },
  'guard "a rule of an own Service by which Envoy divides by zero"': { change: unguarded },
  'guard "an entry that gives an own Service its endpoints"': { change: unguarded },
  'guard "an entry with an address that ends istiod"': { change: unguarded },
  'guard "an entry with an address that istiod allocates to others"': { change: unguarded },
  'guard "whoever writes the status of an entry does not end istiod"': { change: unguarded },
  'guard "an entry for an own Service that leads where the caller wanted"': { change: unguarded },
  'guard "a rule of an own Service that leads where the caller wanted"': { change: unguarded },
  'guard "a rule of an own Service with a tunnel to a command that Envoy does not know"': { change: unguarded },
  'guard "a rule of an own Service with files that nobody has"': { change: unguarded },
  'guard "a route of an own Service for a parameter without a name"': { change: unguarded },
  'guard "a rule of an own Service that hashes by a header without a name"': { change: unguarded },
  'guard "a route of the Gateway API that ends istiod"': { change: unguarded },
  'guard "a policy of the Gateway API that ends istiod"': { change: unguarded },
  'guard "a policy of the Gateway API that pods of others wait for"': { change: unguarded },
  'guard "a Gateway with a ConfigMap that ends istiod"': { change: unguarded },
  'guard "a Gateway whose image brings other pods"': { change: unguarded },
  'guard "a route of the Gateway API for an own Service"': { change: unguarded },
  'guard "a route of the Gateway API for the TLS of others"': { change: unguarded },
  'guard "the addresses of a pod are for its node, and nobody else"': { change: unguarded },
  'guard "with ranges, a WorkloadEntry has no address of a pod"': { change: unguarded },
  'guard "what schedules a pod gives it no annotation that takes traffic from its sidecar"': { change: unguarded },
  'guard "a pod whose proxy captures no group"': { change: unguarded },
  'guard "a TrafficExtension that runs a program in the sidecar"': { change: unguarded },
  'guard "an EnvoyFilter, which could bring one"': { change: unguarded },
  'guard "a ProxyConfig that captures no group"': { change: unguarded },
  'guard "a lock in a namespace of others cannot be deleted, unless the namespace goes"': { change: unguarded },
  'guard "a pod that excludes a port"': { change: unguarded },
  'guard "a pod without capture, by the configuration of its proxy"': { change: unguarded },
  'guard "a pod whose proxy obeys somebody else"': { change: unguarded },
  'guard "a container called like one that the injector did not write"': { change: unguarded },
  'guard "a debug container called like one of the injector\'s"': { change: unguarded },
  'guard "a pod that may change the capture"': { change: unguarded },
  'guard "a label that writes into the template and is gone"': { change: unguarded },
  'guard "a proxy that runs something else, as if the injector had been there"': { change: unguarded },
  'guard "a capture that is never set up"': { change: unguarded },
  'guard "a capture that a hook takes away"': { change: unguarded },
  'guard "a capture that leads to the inbound side of the proxy"': { change: unguarded },
  'guard "a capture that goes on with a rule of nftables"': { change: unguarded },
  'guard "a container that runs before the capture is set up"': { change: unguarded },
  'guard "the same beside istio-cni, which takes the capture for that of an init container"': { change: unguarded },
  'guard "a proxy without a namespace, which has the Sidecar of none"': { change: unguarded },
  'guard "a label that tells the proxy of another bootstrap"': { change: unguarded },
  'guard "a proxy with the variable ISTIO_BOOTSTRAP"': { change: unguarded },
  'guard "a proxy with another CA"': { change: unguarded },
  'guard "a hook by which the agent asks a host"': { change: unguarded },
  'guard "a probe of the agent, by the configuration of its proxy"': { change: unguarded },
  'guard "a proxy configured to start with a file, in snake case"': { change: unguarded },
  'guard "a proxy configured to obey somebody else, in YAML"': { change: unguarded },
  'guard "a proxy configured to capture nothing, by the number"': { change: unguarded },
  'guard "a proxy configured to report to a host"': { change: unguarded },
  'guard "a volume over the template of its bootstrap"': { change: unguarded },
  'guard "a volume of the application instead of the root of istiod"': { change: unguarded },
  'guard "a volume of the application instead of the proxy\'s configuration"': { change: unguarded },
  'guard "a volume over the root that it takes first"': { change: unguarded },
  'guard "another item of what the proxy trusts"': { change: unguarded },
  'guard "an annotation by which the agent obeys somebody else"': { change: unguarded },
  'guard "an entry that makes one of the name of an own Service"': { change: unguarded },
  'guard "what the webhook for %s adds passes"': {
    change: replace('ValidatingAdmissionPolicy', /\|vault\|/g, '|'),
    like: 'the agent injector of Vault',
  },
  'guard "a pod that istio-cni leaves alone for the name of a container"': { change: unguarded },
  'guard "a pod that writes into Envoy\'s bootstrap"': { change: unguarded },
  'guard "a pod whose proxy finds another address under the name of an istiod"': { change: unguarded },
  'guard "a pod whose proxy has a variable that nobody knows"': { change: unguarded },
  'guard "a pod whose proxy reports to a collector by its name"': { change: unguarded },
  'guard "a pod with a label of Istio that nobody knows"': { change: unguarded },
  'guard "a pod with an annotation of Istio that nobody knows"': { change: unguarded },
  'guard "a proxy configured to capture nothing, in what looks like a text"': { change: unguarded },
  'guard "a proxy in a group of its own, of which istio-cni captures nothing"': { change: unguarded },
  'guard "a proxy that takes its name from an annotation"': { change: unguarded },
  'guard "a proxy whose agent asks a host for metrics"': { change: unguarded },
  'guard "a proxy whose name goes on with another bootstrap of Envoy\'s"': { change: unguarded },
  'guard "a volume in a directory of the image that nobody thought of"': { change: unguarded },
  'guard "an application that could write the proxy\'s certificates"': { change: unguarded },
  'guard "the same by the configuration of its proxy"': { change: unguarded },
  'guard "the same by the name of its owner"': { change: unguarded },
  'guard "where all pods are injected, one without a sidecar is refused"': { change: unguarded },
  'guard "whoever writes the status of a pod gives it no annotation"': { change: unguarded },
  'guard "the image of the proxy is not replaced by another"': { change: unguarded },
  'guard "a pod with variables of tracing that are others"': { change: unguarded },
  'guard "a volume over the proxy\'s programs"': { change: unguarded },
  'guard "a pod whose probe leads elsewhere"': { change: unguarded },
  'guard "a pod whose hook leads elsewhere"': { change: unguarded },
  'guard "a pod whose sidecar comes up after its first containers"': { change: unguarded },
  'guard "nobody runs a program beside the proxy, but for its own requests"': { change: unguarded },
  'guard "a Service that is a gateway to a network"': { change: unguarded },
  'guard "whoever writes the status of a Service does not make it a gateway to a network"': { change: unguarded },
  'guard "a Service that takes the place of what sidecars listen for"': { change: unguarded },
  'guard "a Service with a port for SCTP beside one for TCP"': { change: unguarded },
  'guard "a Service that istiod takes for one of its own"': { change: unguarded },
  'guard "a Gateway that istiod takes for one of its own"': { change: unguarded },
  'guard "a route of an own Service with more headers than Envoy takes"': { change: unguarded },
  'guard "a rule of an own Service with more priorities than Envoy knows"': { change: unguarded },
  'guard "a private route whose prefixes fill the memory of istiod"': { change: unguarded },
  'guard "a private route for more hosts than istiod compares in time"': { change: unguarded },
  'guard "a private route whose rules fill it, for each host"': { change: unguarded },
  'guard "a private route with a large answer for each host"': { change: unguarded },
  'guard "a private route of bytes with more matches than hosts may have"': { change: unguarded },
  'guard "a route with more rules for every Service"': { change: unguarded },
  'guard "an answer for every Service"': { change: unguarded },
  'guard "a private entry with more endpoints than istiod holds"': { change: unguarded },
  'guard "an entry with a selector that may find as many"': { change: unguarded },
  'guard "a private route whose delegates fill the memory of istiod"': { change: unguarded },
  'guard "what it delegates to"': { change: unguarded },
  'guard "a rule of an own Service with subsets for more clusters than proxies hold"': { change: unguarded },
  'guard "a private rule with subsets for more clusters than that"': { change: unguarded },
  'guard "the same for more clusters, for every Service"': { change: unguarded },
  'guard "a Service with ports for more clusters than proxies hold"': { change: unguarded },
  'guard "a route of an own Service with a large answer for each match"': { change: unguarded },
  'guard "a rule of an own Service with more names than proxies hold"': { change: unguarded },
  'guard "a rule of an own Service with more attributes of a cookie than proxies hold"': { change: unguarded },
  'guard "a private entry with more names than istiod holds"': { change: unguarded },
  'guard "a Service with more accounts than proxies hold"': { change: unguarded },
  'guard "a private route with more matches than sidecars hold, for each port"': { change: unguarded },
  'guard "a private route with a long header for each match and port"': { change: unguarded },
  'guard "a private route whose matches are long, for each host and port"': { change: unguarded },
  'guard "a private route with many destinations for each match and port"': { change: unguarded },
  'guard "a route at a gateway with a long header for each match and host"': { change: unguarded },
  'guard "a route with a long header for every Service"': { change: unguarded },
  'guard "a long header that is delegated to"': { change: unguarded },
  'guard "a long header beside what delegates"': { change: unguarded },
  'guard "a rule of an own Service with one name longer than proxies hold"': { change: unguarded },
  'guard "a private entry with one name longer than istiod holds"': { change: unguarded },
  'guard "a private entry with more accounts than proxies hold"': { change: unguarded },
  'guard "a Service with one account longer than proxies hold"': { change: unguarded },
  'guard "a Service with more accounts of both kinds than proxies hold"': { change: unguarded },
  'guard "a rule of an own Service with a cookie longer than routes hold"': { change: unguarded },
  'guard "a private rule that hashes by a header longer than routes hold"': { change: unguarded },
  'guard "a route of an own Service for one name twice"': { change: unguarded },
  'guard "a route of an own Service for a part of a label"': { change: unguarded },
  'guard "a RequestAuthentication whose keys istiod asks of the issuer"': { change: unguarded },
  'guard "a pod whose application could write what its proxy starts with"': { change: unguarded },
  'guard "a pod whose proxy reports to a host"': { change: unguarded },
  'guard "a proxy that is the only container, in which kubectl runs what it is told"': { change: unguarded },
  'guard "a route of an own Service that istiod takes for one of its own"': { change: unguarded },
  'guard "a Service that is another name for a host of the callers"': { change: unguarded },
  'guard "a route of an own Service with a private name as its Host"': { change: unguarded },
  'guard "a route of an own Service with a status that Envoy does not know"': { change: unguarded },
  'guard "a rule of an own Service with a cookie in two lines"': { change: unguarded },
  'guard "a debug container of the profile general"': { change: unguarded },
  'guard "a pod of a gateway"': { change: unguarded },
  'guard "a second server under one of our names"': { change: unguarded },
  'guard "a server whose Secret does not exist"': { change: unguarded },
  'guard "an older server on the same port"': { change: unguarded },
  'guard "a Telemetry that sends the headers of tracing again"': { change: unguarded },
  'guard "%s is refused, as %s"': { change: unguarded, like: 'an entry with every address' },
  'guard "%s is refused as an update of something harmless, as %s"': {
    change: unguarded,
    like: 'a route on a Gateway',
  },
  'guard "%s passes in a namespace of the platform, as %s"': { change: everywhere, like: 'a rule for the hop' },
  'guard "it does not matter who writes, or what the namespace is labelled"': { change: unguarded },
  'guard "the example %s: what constructs write passes"': { change: everywhere, like: 'f-tls-at-gateway' },
  'guard "%s passes"': {
    change: replace('ValidatingAdmissionPolicy', /proxyLogLevel/g, 'none'),
    like: 'a pod with a native sidecar',
  },
  'guard "%s passes, in every version"': {
    change: replace('ValidatingAdmissionPolicy', /\^\[-A-Za-z0-9\]\+\$/g, 'none'),
    like: 'a canary',
  },
  'spoofing "a namespace that copies the callers\' objects is refused by the gateway"': { change: anyCaller },
  'spoofing "a sidecar sends each to the host that it is allowed to call"': {
    change: replace('VirtualService', /"authority":"api.partner.com"/g, '"authority":"evil.example.com"'),
  },
  'spoofing "whoever is not named gets nowhere by any of them"': { change: anyCaller },
  'callers "a caller that the server refuses leaves no line of plain HTTP in the gateway\'s log, and no byte at the host"':
    { change: anyCaller },
  'callers "of plain HTTP that the gateway does not read it leaves the line of a connection"': { change: anyCaller },
  'helm-values "still sees the hop Service, which says so itself"': {
    change: (object) =>
      object.kind === 'Service' ? { ...object, metadata: { ...object.metadata, annotations: {} } } : object,
  },
  'foreign-objects "istiod\'s settings everyAddress in another namespace"': {
    mesh: { serviceEntryVisibility: undefined },
    like: 'older',
  },
  'foreign-objects "a lock that imports less headless in another namespace"': {
    change: replace('Sidecar', /"istio-system\/\*"/, '"*/*"'),
    like: 'older',
  },
  'foreign-objects "a lock that imports less refuses calls to Services that are not imported"': {
    change: replace('Sidecar', /"istio-system\/\*"/, '"*/*"'),
  },
  'foreign-objects "a boundary lets nothing out that another author of the namespace opens"': {
    change: noNetworkPolicy,
    like: 'openSidecar',
  },
  'foreign-objects "a lock that imports less headlessHttp in another namespace"': {
    change: replace('Sidecar', /"istio-system\/\*"/, '"*/*"'),
    like: 'older',
  },
  'headless "with the setting of istiod it goes to an endpoint of the Service, whichever"': { helmValues: '{}' },
  'headless "a headless Service whose port says TCP takes no such request"': {
    change: replace('Service', /"tcp-db"/g, '"http"'),
  },
  'misled-sidecars "TLS that a proxy originates fails there"': { change: unverified },
  'misled-sidecars "endpoints of an open host lead to one behind a gateway"': {
    change: replace('ServiceEntry', /"endpoints":\[\{"address":"api.partner.com"\}\],/g, ''),
  },
  'lockdown "an EgressGateway asks for the name as it is written"': { change: dropFields('Deployment', 'dnsConfig') },
  'revocation "without others it takes as long as istiod and the gateway need"': { change: anyCaller },
  'open-connections "a connection that was open, %s, ends with the drain time"': { change: anyCaller },
  'open-connections "while another team declares hosts and callers"': { change: policyInPlaceOfServer },
  'revocation "a session with one hop does not open another, by TLS %s"': { change: sharedServer },
  'revocation "%s delays it by the time for which Envoy waits"': { change: drop('Gateway', /^foreign$/) },
  'gateway-api "a route for another namespace\'s Service is followed in the route\'s own namespace only"': {
    change: (object) =>
      object.kind === 'HTTPRoute' ? { ...object, metadata: { ...object.metadata, namespace: 'shop' } } : object,
  },
  'gateway-api "a Gateway with another namespace\'s Service as its address does not act on the pods of that Service"': {
    change: (object) =>
      object.apiVersion?.startsWith('gateway.networking') && object.kind === 'Gateway'
        ? { ...object, metadata: { ...object.metadata, namespace: 'egress' } }
        : object,
  },
  'ports "where the Service of istiod is exported to nobody"': {
    change: replace('Service', /"networking.istio.io\/exportTo":"[.]"/, '"networking.istio.io/exportTo":"*"'),
  },
  'ports "istiod tells a program nothing in the name of another namespace, and nothing without a token"': {
    mesh: unscoped,
  },
  'ports "Ingresses of every namespace open servers on the pods of the gateway"': { change: drop('Ingress') },
  'ports "Ingresses open none there where istiod reads none"': {
    helmValues: 'meshConfig: { ingressControllerMode: STRICT }',
  },
  'ports "with metrics for the pod alone, nobody else reaches them"': {
    change: replace('Deployment', /METRICS_LOCALHOST_ACCESS_ONLY/, 'NONE'),
  },
  'cache "without the cache its name brings nothing"': { helmValues: '{}' },
  'ports "one private entry whose hosts change uses them up"': { change: dropFields('ServiceEntry', 'addresses') },
  'revocation "keys that do not come delay nothing"': { helmValues: 'pilot: { env: { PILOT_PUSH_THROTTLE: "2" } }' },
  'revocation "Gateways act on pods of their own namespace"': { mesh: unscoped, like: 'our names, older' },
  'ipv6 "every egress path leads to names with AAAA records, beside A and alone"': {
    change: drop('VirtualService'),
    like: 'checkout http://gateway.six.example.com/',
  },
  'ipv6 "what is not declared is refused by IPv6 too, and so is who is not named"': {
    mesh: open,
    like: 'http://[2001:db8::ee]/',
  },
  'ipv6 "a guarded gateway reaches no private address by IPv6"': { change: dropFields('NetworkPolicy', 'except') },
  'ipv6 "nothing leaves a namespace behind a boundary by IPv6 past the sidecar"': { change: noNetworkPolicy },
  'ipv6 "the guard refuses another team\'s entry with %s"': { change: unguarded },
  'ipv6 "with istiod\'s settings, another team\'s entry with %s takes nothing"': {
    mesh: { serviceEntryVisibility: undefined },
  },
};

/** Rows that show what does not hold: there is no promise to break. */
export const LIMITS = [
  'lockdown "a WorkloadEntry with the address of the gateway\'s pod, in any namespace, closes it"',
  'lockdown "a Gateway with istiod\'s own annotations that its webhook does not see closes it, in any namespace"',
  'lockdown "other proxies complete it, and call the Service"',
  'lockdown "a name that resolves to another team\'s pod leads there, where its headless Service has a TCP port"',
  'boundary "a NetworkPolicy of the namespace itself opens it, because policies add up"',
  'spoofing "bypassing the sidecar: no Istio object stops that, a NetworkPolicy does"',
  'spoofing "a gateway that does not read the requests begins TLS with the host"',
  'spoofing "where no gateway reads the request, what follows the colon"',
  'misled-sidecars "the agent follows an application that redirects whoever asks for its metrics"',
  'misled-sidecars "the agent follows an application in place of its Envoy too"',
  'misled-sidecars "a sidecar looks up a host of its own where its pod says"',
  'spoofing "an older route of the callers\' namespace sends plain HTTP by the path for TLS"',
  'misled-sidecars "%s calls %s, and plain HTTP reaches %s"',
  'foreign-objects "no measures address in another namespace, older"',
  ...[
    'external',
    'unreadable',
    'unreadableMatch',
    'unreadableRule',
    'unreadableDuration',
    'sharing',
    'misled',
    'alias',
    'passing',
    'headlessHttp',
    'proxyPort',
    'sctp',
    'semantics',
  ].map((kind) => `foreign-objects "no measures ${kind} in another namespace"`),
  'foreign-objects "a lock that imports less headlessHttp in the callers\' namespace"',
  'foreign-objects "a lock that imports less alias in another namespace"',
  'cache "the name of a private route brings what other callers send to its author"',
  'headless "a request that names a headless Service goes to the address that was dialled"',
  'failover "a Service with an HTTP port of that number keeps what the database says first from callers of a range"',
  'leaks "http://%s learns of the time that its answer has, by gRPC"',
  'failover "%s: its HTTP goes through the gateway, its TLS as what is not declared"',
  'beside "an older route of the callers\' namespace takes the host, which stops synth within one app"',
  'beside "an entry of another namespace keeps the sidecars from every change for TLS, unless it is private"',
  'headless "the private entry of a namespace for its own Service decides where sidecars of others send what names it"',
  'headless "another team\'s headless Service with the address of one of its pods decides how that is called"',
  'headless "where another team\'s headless Service has the address of a pod, what is for that pod arrives at theirs too"',
  'boundary "istiod fetches the keys that a RequestAuthentication names, for namespaces behind a boundary too"',
  'foreign-objects "no measures filter in the callers\' namespace"',
  'foreign-objects "no measures program in the callers\' namespace"',
  'lockdown "a pod in the gateway\'s namespace reaches hosts under their private names"',
  'lockdown "a private name on a locked gateway, Gateways act ${scopeGatewayToNamespace"',
  'revocation "Gateways act on pods of every namespace"',
  'revocation "a certificate that runs out takes nobody out"',
  'client-certificates "a gateway that starts meanwhile lets the other through"',
  'open-connections "what is open is not in the log of the gateway yet"',
  'open-connections "callers of one declaration share the gateway\'s connections to the host"',
  'open-connections "a WebSocket goes on as it began when %s"',
  'open-connections "a stream of gRPC goes on as it began when %s"',
  'open-connections "streams of gRPC end and stay as they do"',
  'open-connections "a port that nothing else in the mesh has takes both with it"',
  'lockdown "and completes a name that does not exist"',
  'revocation "the last caller of a namespace is let in until its Gateway is deleted"',
  'revocation "with another %s the former callers are let in until the former objects are deleted"',
  'revocation "a pod of the gateway that does not hear from istiod goes on letting it in"',
  'open-connections "but not while the callers of their host change"',
  'open-connections "but not while another team\'s policy comes, changes or goes"',
  'revocation "keys that do not come delay it"',
  'revocation "a private entry of another team for their host decides who fetches keys"',
  'ports "a program that does not read what istiod sends to it delays it"',
  'ports "unless an author of its namespace opens it"',
  'ports "or a headless Service of any team has an HTTP port of that number"',
  'ports "its port 15010 tells whoever reaches it who may call what"',
  'ports "metrics of proxies name what their pods call, to whoever reaches them"',
  'ports "whoever reaches port 15090 of a proxy reads its configuration, and closes it"',
  'ports "istiod tells it the private hosts of others with an endpoint of the address that it says it has"',
  'ports "istiod tells it the authorities in ConfigMaps of other namespaces, and no Secret"',
  'gateway-api "a route for a Service of its own namespace is followed by everyone\'s sidecars"',
  'ports "one name in a route of the Gateway API ends istiod"',
  'ports "one number that a policy of the Gateway API leaves out ends istiod"',
  'ports "one ConfigMap for the pods of a Gateway ends istiod"',
  'foreign-objects "a tunnel that Envoy does not understand keeps pods of others that start from becoming ready"',
  'ports "a private entry takes them from the entries of others"',
  'ports "two private entries with one of them, written as IPv6, end istiod"',
  'ports "one request of a program with the token of its pod ends istiod"',
  'revocation "whoever changes something all the time delays it by as long as istiod waits"',
  'authorities "a certificate has the name %s, and is accepted"',
  'authorities "a TLS session that the host resumes is not verified again"',
  'authorities "a gateway that starts waits for authorities in %s that is missing"',
  'authorities "and for those in a BackendTLSPolicy of any team"',
  'authorities "and where DNS does not answer for a host of any team"',
  'authorities "an authority that may give no such DNS name gives it %s, and is believed"',
  'leaks "http://%s receives the names of headers in lower case"',
  'leaks "http://%s receives the trailers of a request as the application sent them"',
  'leaks "http://%s learns of a request that is sent again, because its first answer was 503"',
  'leaks "http://%s learns of it what the mesh has them say"',
  'tracing "spans that a younger Telemetry reports again bring the headers with them"',
  'tracing "a private entry with the collector\'s name, in any namespace: %s goes on tracing, %s"',
  'tracing "the same entry ends access logs by such a provider, and what such an authorizer decides about is refused"',
  'callers "without the policy it is answered, as docs/callers.md says"',
  'callers "two apps of one owner: the policy that is applied last decides for the hosts of both"',
  'callers "an app that takes an open gateway for a locked one closes it for all others"',
  'misled-sidecars "own TLS to a host whose HTTPS is left out, under its private name"',
  'misled-sidecars "the application\'s own TLS goes there"',
  'ipv6 "a sidecar without ISTIO_DUAL_STACK takes no IPv6, on a locked mesh too"',
  'ipv6 "another team\'s entry with %s takes them"',
];

/** The mutation of this run, if it is one of the suite `promises`. */
export function mutation(): Mutation | undefined {
  const key = process.env.MESH_MUTATION;
  if (key === undefined) return undefined;
  if (MUTATIONS[key] === undefined) throw new Error(`there is no mutation for ${key}`);
  return MUTATIONS[key];
}

/** Objects as this run applies them. */
export function mutated(objects: KubeObject[], { change }: Mutation = mutation() ?? {}): KubeObject[] {
  if (change === undefined) return objects;
  return objects.map((object) => change(object)).filter((object) => object !== undefined);
}
